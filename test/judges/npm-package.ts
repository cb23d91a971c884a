/** The packages of test/judges/npm judge the package: they use it as others do. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findTool, missingJudge, mustRun, requireJudge, runTool, type ToolResult } from './run-tool.ts'

export const REPOSITORY = join(import.meta.dirname, '../..')
const MODULES = join(REPOSITORY, '.cache/judges/npm/node_modules')

/** The versions of Node that the package supports. */
export const NODE_VERSIONS = ['20', '22', '24', '26']

/** Whether the judges are there; says so loudly when not. */
export function canJudgePackages(): boolean {
  if (!requireJudge('npm')) return false
  const judges = [join(MODULES, 'publint'), ...(hasOtherNodes() ? NODE_VERSIONS.map(nodeProgram) : [])]
  const missing = judges.find((path) => !existsSync(path))
  return missing === undefined || missingJudge(missing, 'see scripts/install-judges.sh')
}

/** The packages have programs for this platform alone; elsewhere the tests run with their own Node. */
const hasOtherNodes = () => process.platform === 'linux' && process.arch === 'x64'

/** A program `node` of that version. */
export function nodeProgram(version: string): string {
  return hasOtherNodes() ? join(MODULES, `node-${version}`, 'bin/node') : process.execPath
}

/** A script of a package of test/judges/npm. */
export const packageProgram = (path: string) => join(MODULES, path)

/**
 * Runs Node with no other program on its PATH, so that nothing can be compiled.
 *
 * @param args arguments of Node
 */
export function runWithNode(version: string, cwd: string, args: readonly string[]): Promise<ToolResult> {
  const program = nodeProgram(version)
  return runTool('/usr/bin/env', ['-C', cwd, program, ...args], { env: { PATH: dirname(program) } })
}

/** Runs npm with that Node, and the settings of this machine. */
export function runNpm(version: string, cwd: string, args: readonly string[]): Promise<ToolResult> {
  const settings = `--globalconfig=${npmSetting('globalconfig')}`
  return runWithNode(version, cwd, [realpathSync(findTool('npm')!), settings, ...args])
}

const npmSetting = (name: string) =>
  execFileSync(findTool('npm')!, ['config', 'get', name], { encoding: 'utf8' }).trim()

/** Packs the package as it is in the working tree. @returns the path of the file */
export async function packPackage(folder: string): Promise<string> {
  const { stdout } = await mustRun('npm', [
    ...['pack', '--ignore-scripts', '--json', '--loglevel=error'],
    ...['--pack-destination', folder, REPOSITORY],
  ])
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(folder, filename)
}

/** Bytes on a disk, as du(1) counts them: whole blocks. */
export function diskUsage(folder: string): number {
  return Number.parseInt(execFileSync('du', ['-s', '--block-size=1', folder], { encoding: 'utf8' }))
}

/** The version of the package. */
export function packageVersion(): string {
  const manifest = readFileSync(join(REPOSITORY, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
