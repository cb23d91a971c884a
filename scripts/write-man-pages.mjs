/** Writes the manual pages, as `diskwright man` prints them. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

const printed = (...args) => execFileSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

/** @param target folder, which is made */
export function writeManPages(target) {
  mkdirSync(target)
  const page = printed('man')
  writeFileSync(join(target, 'diskwright.1'), page)
  for (const [, name] of page.matchAll(/^\.BR diskwright\\-(\w+) \(1\)$/gm)) {
    writeFileSync(join(target, `diskwright-${name}.1`), printed('man', name))
  }
}
