/** Runs npm: the one that runs this program, if one does. */
import { execFileSync } from 'node:child_process'

/** @returns what it prints; its messages go to standard error. @throws Error when it fails */
export function npm(args, cwd) {
  const options = { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 2], maxBuffer: 1 << 28 }
  const { npm_execpath: script } = process.env
  // Another package manager sets the variable as well.
  if (script === undefined || !/npm-cli\.[cm]?js$/.test(script)) return execFileSync('npm', args, options)
  return execFileSync(process.execPath, [script, ...args], options)
}
