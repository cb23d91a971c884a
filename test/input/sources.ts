/** Images from every kind of source, for tests that want the same from all of them. */
import { openSync, closeSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageSource } from '../../src/input/open-input.ts'
import type { ByteSource } from '../../src/lib/byte-source.ts'
import { encodeSeekTable } from '../../src/lib/zstd/seek-table.ts'
import { loadZstd } from '../../src/lib/zstd/codec.ts'
import { struct, u32, u8, viewOf } from '../../src/lib/struct.ts'
import { loadHash } from '../../src/lib/load-hash.ts'

/** Answers late, and never as much as was asked for: 1 to 4097 bytes. */
export function slowSource(bytes: Uint8Array): ByteSource {
  let reads = 0
  return {
    size: bytes.length,
    read: async (offset, length) => {
      await new Promise((resolve) => setImmediate(resolve))
      return bytes.slice(offset, offset + Math.min(length, 1 + ((reads++ * 1237) % 4097)))
    },
  }
}

/** Answers at once, but less than was asked for. */
export function shortSource(bytes: Uint8Array): ByteSource {
  const readSync = (offset: number, length: number) => bytes.slice(offset, offset + Math.ceil(length / 3))
  return { size: bytes.length, read: readSync, readSync }
}

export const SOURCE_KINDS: Record<string, (bytes: Uint8Array, folder: string) => Promise<UsedSource>> = {
  path: (bytes, folder) => {
    const path = join(folder, 'image')
    writeFileSync(path, bytes)
    return Promise.resolve(plain(path))
  },
  Uint8Array: (bytes) => Promise.resolve(plain(bytes)),
  Buffer: (bytes) => Promise.resolve(plain(Buffer.from(bytes))),
  Blob: (bytes) => Promise.resolve(plain(new Blob([bytes as Uint8Array<ArrayBuffer>]))),
  FileHandle: async (bytes, folder) => {
    const path = join(folder, 'image')
    writeFileSync(path, bytes)
    const handle = await open(path)
    return { image: handle, release: () => handle.close() }
  },
  'slow ByteSource': (bytes) => Promise.resolve(plain(slowSource(bytes))),
  'short ByteSource': (bytes) => Promise.resolve(plain(shortSource(bytes))),
}

export interface UsedSource {
  image: ImageSource
  release: () => Promise<void>
}

const plain = (image: ImageSource): UsedSource => ({ image, release: () => Promise.resolve() })

/** Files of this process that are open. */
export function lowestFreeDescriptor(): number {
  const free = openSync('/dev/null', 'r')
  closeSync(free)
  return free
}

export interface SeekableOptions {
  /** Bytes of content of the frames, in turn. */
  frameSizes?: readonly number[]
  checksums?: boolean
}

/** A file in the zstd seekable format as another program would write it. */
export async function seekableZstd(
  content: Uint8Array,
  { frameSizes = [65536], checksums = false }: SeekableOptions = {},
): Promise<Uint8Array> {
  const zstd = await loadZstd()
  const compressor = zstd.createCompressor(3)
  const hash = await loadHash('xxhash64')
  const parts: Uint8Array[] = []
  const frames: { compressed: number; content: number; checksum: number }[] = []
  for (let at = 0, i = 0; at < content.length; i++) {
    const piece = content.subarray(at, at + frameSizes[i % frameSizes.length])
    const target = new Uint8Array(zstd.compressBound(piece.length))
    const frame = target.subarray(0, compressor.compress(target, piece))
    const digest = new Uint8Array(8)
    hash.hashBlocks(piece, piece.length, digest)
    parts.push(frame)
    frames.push({
      compressed: frame.length,
      content: piece.length,
      checksum: viewOf(digest).getUint32(0, true),
    })
    at += piece.length
  }
  parts.push(checksums ? checkedTable(frames) : encodeSeekTable(frames.length, frames))
  return Buffer.concat(parts)
}

/** By hand, from the format's description. */
function checkedTable(
  frames: readonly { compressed: number; content: number; checksum: number }[],
): Uint8Array {
  const Head = struct('Head', 8, { magic: u32, size: u32 })
  const Entry = struct('Entry', 12, { compressed: u32, content: u32, checksum: u32 })
  const Foot = struct('Foot', 9, { frames: u32, descriptor: u8, magic: u32 })
  const bytes = new Uint8Array(8 + frames.length * 12 + 9)
  const view = viewOf(bytes)
  Head.write(view, 0, { magic: 0x184d2a5e, size: bytes.length - 8 })
  frames.forEach((frame, i) => Entry.write(view, 8 + i * 12, frame))
  Foot.write(view, bytes.length - 9, { frames: frames.length, descriptor: 0x80, magic: 0x8f92eab1 })
  return bytes
}
