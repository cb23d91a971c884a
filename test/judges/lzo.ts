import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { missingJudge, mustRun } from './run-tool.ts'
import { findPython } from './walk.ts'

const SCRIPT = fileURLToPath(new URL('lzo.py', import.meta.url))

/** Whether the LZO library can be asked; says loudly when not. */
export function canAskLzo(): boolean {
  try {
    execFileSync(findPython() ?? 'python3', [SCRIPT, 'probe'], { stdio: 'pipe' })
    return true
  } catch {
    return missingJudge('liblzo2', 'not to be loaded by python3; it is in the package liblzo2-2')
  }
}

/** The contents of whole streams. @throws Error when one is damaged */
export function lzoDecompress(streams: readonly Uint8Array[]): Promise<Uint8Array[]> {
  return ask('decompress', streams)
}

/** Streams of both of the library's compressors for each content. */
export function lzoCompress(contents: readonly Uint8Array[]): Promise<Uint8Array[]> {
  return ask('compress', contents)
}

async function ask(what: string, pieces: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const input = JSON.stringify(pieces.map((piece) => Buffer.from(piece).toString('base64')))
  const { stdout } = await mustRun(findPython() ?? 'python3', [SCRIPT, what], { input })
  return (JSON.parse(stdout) as string[]).map((piece) => new Uint8Array(Buffer.from(piece, 'base64')))
}
