import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { ToolError } from '../../lib/errors.ts'

/** The programs of QEMU that are used, and their Debian packages. */
const PACKAGES = {
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
}
export type Program = keyof typeof PACKAGES
/** The programs that are machines. */
export type Emulator = Exclude<Program, 'qemu-img'>

/**
 * Finds a program on PATH.
 *
 * @returns its path
 *
 * @throws ToolError that says which package has it
 */
export async function findProgram(name: Program): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  throw new ToolError(`${name} is not on PATH: QEMU is needed (Debian: apt install ${PACKAGES[name]})`)
}

/**
 * Runs `qemu-img` to its end.
 *
 * @throws ToolError with what it said, when it fails
 */
export async function qemuImg(args: readonly string[], signal?: AbortSignal): Promise<void> {
  const program = await findProgram('qemu-img')
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const end = () => child.kill()
    signal?.addEventListener('abort', end, { once: true })
    child.on('error', reject)
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', end)
      if (signal?.aborted) reject(signal.reason as Error)
      else if (code === 0) resolve()
      else reject(new ToolError(`qemu-img ${args[0]} ended with ${killedBy ?? code}: ${lastLine(said)}`))
    })
    if (signal?.aborted) end()
  })
}

/** The last line of a program's output. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
