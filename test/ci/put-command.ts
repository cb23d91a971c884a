import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAIN } from '../cli/diskwright.ts'

/** Puts the built command into a folder under its name, as npm does. */
export function putCommand(folder: string): void {
  const script = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
  writeFileSync(join(folder, 'diskwright'), script, { mode: 0o755 })
}
