import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTool } from '../judges/run-tool.ts'
import type { RunSteps } from './run-page.ts'

/** One shell runs all of a page, so that variables and the working folder persist. */
export const runShell: RunSteps = async (steps, cwd, outputs, env, path) => {
  const body = steps.map(({ script }, i) => `exec >'${join(outputs, String(i))}' 2>&1\n${script}`).join('')
  const script = join(outputs, 'script')
  writeFileSync(script, `set -euo pipefail\nunset SOURCE_DATE_EPOCH\ncd '${cwd}'\n${body}`)
  const { code, stderr } = await runTool('bash', [script], { env, progress: 'output or cpu' })
  if (code === 0) return
  const last = steps.findLastIndex((_, i) => existsSync(join(outputs, String(i))))
  const printed = last < 0 ? stderr : readFileSync(join(outputs, String(last)), 'utf8')
  const what = last < 0 ? '' : steps[last].script
  throw new Error(`${path}:${steps[last]?.line ?? 0}: exit code ${code}\n${what}--- prints\n${printed}`)
}
