/** Nix evaluates and builds what is in nix/, with a stub of Nixpkgs. It keeps nothing outside of its folder. */
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { missingJudge, mustRun, requireJudge, runTool, type ToolOptions } from './run-tool.ts'

export const REPOSITORY = join(import.meta.dirname, '../..')

const ENVIRONMENT = { NIX_CONFIG: 'build-users-group =\nsubstituters =\ncores = 1\nmax-jobs = 1' }
/**
 * Every sandbox begins as a copy of all mounts there are. Those of other tests, as long as it has them, would be busy
 * when they are unmounted.
 */
const WITHOUT_MOUNTS =
  'for mount in $(findmnt -rno TARGET -t btrfs); do umount --lazy "$mount"; done; exec "$0" "$@"'
const IN_STUB = `with import ${REPOSITORY}/test/nix/stub; `

export function canEvaluateNix(): boolean {
  return requireJudge('nix-instantiate')
}

/** Building takes root: Nix makes a root of its own for every build. */
export function canBuildWithNix(): boolean {
  if (!requireJudge('nix-build')) return false
  return (
    process.getuid?.() === 0 ||
    missingJudge('nix-build', 'a sandbox with the tools of the machine takes root')
  )
}

/** @throws Error with Nix's message when a file does not parse */
export async function parseNix(path: string): Promise<void> {
  await mustRun('nix-instantiate', ['--parse', path], options())
}

/** The value of an expression that sees what test/nix/stub/default.nix has. No store is there, and none is made. */
export async function evaluateNix(expression: string): Promise<unknown> {
  const { stdout } = await mustRun('nix-instantiate', evaluation(expression), options())
  return JSON.parse(stdout)
}

/** The message that evaluating an expression ends with. */
export async function nixErrorOf(expression: string): Promise<string> {
  const { code, stderr } = await runTool('nix-instantiate', evaluation(expression), options())
  if (code === 0) throw new Error(`evaluated without an error: ${expression}`)
  return stderr
}

/**
 * Builds the derivations that an expression is a list of, in a sandbox without network, users or devices.
 *
 * @param root folder that is the root of a store of its own
 * @param more arguments of nix-build
 * @returns where the results lie
 */
export async function buildWithNix(
  root: string,
  expression: string,
  more: readonly string[] = [],
): Promise<string[]> {
  mkdirSync(root, { recursive: true })
  const machine = ['/bin', '/usr', '/lib', '/lib64', `/node=${realpathSync(process.execPath)}`]
  const args = [
    ...['--store', root, '--no-out-link', '--option', 'sandbox', 'true'],
    ...['--option', 'sandbox-paths', [...machine, `/repository=${REPOSITORY}`].join(' ')],
    ...['-E', IN_STUB + expression, ...more],
  ]
  const { stdout } = await mustRun(
    'unshare',
    ['--mount', 'bash', '-c', WITHOUT_MOUNTS, 'nix-build', ...args],
    options(),
  )
  return stdout
    .trim()
    .split('\n')
    .map((path) => join(root, path))
}

function evaluation(expression: string): string[] {
  return ['--store', 'dummy://', '--eval', '--strict', '--json', '-E', IN_STUB + expression]
}

function options(): ToolOptions {
  return { env: ENVIRONMENT }
}
