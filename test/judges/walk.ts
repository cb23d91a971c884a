import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FoundEntry } from './expected.ts'
import { findTool, mustRun } from './run-tool.ts'

const SCRIPT = fileURLToPath(new URL('walk.py', import.meta.url))

/** The system's Python, rather than one that a version manager puts in front of it. */
export function findPython(): string | undefined {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : findTool('python3')
}

/** Every entry below a directory, the directory itself (path '') included. */
export async function walk(directory: string): Promise<FoundEntry[]> {
  const { stdout } = await mustRun(findPython() ?? 'python3', [SCRIPT, directory])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FoundEntry)
}
