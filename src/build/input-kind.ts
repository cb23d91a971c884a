/** What a path is that somebody wants an image of: a description, or content, and of which kind. */
import { createReadStream } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { compressionOf, isSupportedCompression } from '../lib/compression-format.ts'
import { InputError } from '../lib/errors.ts'
import { firstBytes } from '../lib/first-bytes.ts'
import { FOREIGN_START, foreignFormatOf } from '../lib/foreign-format.ts'
import { decompress } from '../sources/decompress.ts'
import { withPlace } from '../sources/with-place.ts'
import type { SourceSpec } from '../spec/sources/types.ts'

export type InputKind =
  | { kind: 'description' }
  /** A file that can be read only once. */
  | { kind: 'pipe' }
  | { kind: 'content'; source: SourceSpec }

/** Bytes that decide whether a file is a text. */
const TEXT_START = 4096

/**
 * Looks at the first bytes of a file, or at the names in a directory.
 *
 * @throws InputError when it is missing, or nothing that an image is made of
 */
export async function inputKind(path: string): Promise<InputKind> {
  const stats = await withPlace({ source: path }, () => stat(path))
  if (stats.isDirectory()) return { kind: 'content', source: await directorySource(path) }
  if (stats.isFIFO() || stats.isSocket() || stats.isCharacterDevice()) return { kind: 'pipe' }
  if (!stats.isFile())
    throw new InputError('is a block device: expected a file or a directory', { source: path })
  const start = await readStart(path)
  if (isDescriptionText(start)) return { kind: 'description' }
  return { kind: 'content', source: await fileSource(path, start) }
}

/** Whether bytes at the start of a file are text, as descriptions are. */
export function isDescriptionText(start: Uint8Array): boolean {
  const known = foreignFormatOf(start)
  if (known !== undefined || compressionOf(start) !== undefined) return false
  const head = start.subarray(0, TEXT_START)
  // A character may be cut off at the end.
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
  } catch {
    return false
  }
  return !head.some((byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)
}

async function readStart(path: string): Promise<Uint8Array> {
  return withPlace({ source: path }, async () => {
    const handle = await open(path)
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(FOREIGN_START), 0, FOREIGN_START, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  })
}

/** By the content, decompressed if need be. What is nothing known may be a tar archive older than ustar. */
async function fileSource(path: string, start: Uint8Array): Promise<SourceSpec> {
  const format = compressionOf(start)
  const isCompressed = format !== undefined && isSupportedCompression(format)
  const content = isCompressed
    ? await firstBytes(decompress(createReadStream(path), path), FOREIGN_START)
    : start
  const found = foreignFormatOf(content)
  if (found === undefined || found === 'a tar archive') return { tar: path }
  if (found === 'a NAR (an archive of Nix)' || found === 'an export of a Nix store') return { nar: path }
  if (found === 'a stream of btrfs send') return { send: path }
  const isImage = /file system|image/.test(found)
  const hint = isImage ? '; inspect, ls and extract read the images that diskwright knows' : ''
  throw new InputError(
    `is ${found}: expected a description, a directory, or an archive (tar, NAR, OCI, docker save, btrfs send)${hint}`,
    { source: path },
  )
}

async function directorySource(path: string): Promise<SourceSpec> {
  const names = new Set(await withPlace({ source: path }, () => readdir(path)))
  const has = (...wanted: string[]) => wanted.every((name) => names.has(name))
  if (has('oci-layout', 'index.json')) return { oci: path }
  if (has('store-paths', 'registration')) return { nix: { closureInfo: path } }
  if (has('nix-cache-info')) {
    throw new InputError(
      'is a Nix binary cache: select paths of it in a description ("nix" with "binaryCache")',
      { source: path },
    )
  }
  const real = await realpath(path)
  if (has('kernel', 'initrd', 'nixos-version') || /^[0-9a-z]{32}-nixos-system-/.test(basename(real))) {
    throw new InputError(
      'is a NixOS system without its closure: expected a tar archive of the closure, or a directory of closureInfo',
      { source: path },
    )
  }
  return { directory: path }
}
