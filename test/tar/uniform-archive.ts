import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { findTool } from '../judges/run-tool.ts'
import { endOfArchive, ustarHeader } from './build-tar.ts'

const MIB = 2 ** 20

/** A file of nothing but one byte; its size is a multiple of 512. */
export interface UniformFile {
  path: string
  size: number
  byte: number
}

/** Writes a tar archive of such files, compressed with zstd as it is made: it never lies on a disk. */
export async function uniformArchive(path: string, files: readonly UniformFile[]): Promise<void> {
  function* archive() {
    for (const { path, size, byte } of files) {
      yield ustarHeader({ typeflag: '0', name: path, mode: 0o644, size })
      const piece = new Uint8Array(MIB).fill(byte)
      for (let left = size; left > 0; left -= MIB) yield piece.subarray(0, Math.min(left, MIB))
    }
    yield endOfArchive
  }
  const zstd = spawn(findTool('zstd')!, ['-1', '-q', '-c'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await Promise.all([
    pipeline(Readable.from(archive()), zstd.stdin),
    pipeline(zstd.stdout, createWriteStream(path)),
  ])
}

/** SHA-256 of the content of such a file, in hexadecimal digits. */
export function sha256Of(size: number, byte: number): string {
  const hash = createHash('sha256')
  const piece = new Uint8Array(64 * 1024).fill(byte)
  for (let left = size; left > 0; left -= piece.length)
    hash.update(piece.subarray(0, Math.min(left, piece.length)))
  return hash.digest('hex')
}
