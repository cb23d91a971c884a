/**
 * The Zstandard library, in the best form this machine has. All of them are libzstd and give the same bytes.
 */
import { readFrameHeader, readFrameSize } from './format.ts'
import { nodeModule } from '../node-module.ts'
import { loadNapiBinding } from './native.ts'

/** The fastest first. */
export const ZSTD_NAMES = ['zstd-napi', 'node:zlib', 'wasm'] as const
export type ZstdName = (typeof ZSTD_NAMES)[number]

/** Compresses one piece after the other at one level; keeps its tables between them. */
export interface ZstdCompressor {
  /**
   * Compresses `source` into one frame whose header has the content size and no checksum. Its window is no
   * larger than the next power of two from the size of `source`.
   *
   * @param target at least `compressBound(source.length)` bytes
   * @returns the bytes written to `target`
   */
  compress(target: Uint8Array, source: Uint8Array): number
}

export interface Zstd {
  readonly name: ZstdName
  /** The most bytes a frame of `size` bytes of content takes. */
  compressBound(size: number): number
  /** @param level -131072 (fastest) to -1, and 1 (fast) to 22 (small) */
  createCompressor(level: number): ZstdCompressor
  /**
   * Decompresses one whole frame.
   *
   * @throws Error when the bytes are anything else or hold more than `maxSize` bytes
   */
  decompress(bytes: Uint8Array, maxSize: number): Uint8Array
  /**
   * The same, to the start of `target`.
   *
   * @returns the bytes written
   * @throws Error when the bytes are anything else or hold more than `target` has room for
   */
  decompressInto(target: Uint8Array, bytes: Uint8Array): number
}

/** The part of node:zlib used here; Node has zstd since 22.15 and 23.8. */
interface ZlibZstd {
  zstdCompressSync?: (
    source: Uint8Array,
    options: { params: Record<number, number>; chunkSize: number },
  ) => Uint8Array
  zstdDecompressSync?: (source: Uint8Array, options: { maxOutputLength: number }) => Uint8Array
  constants: { ZSTD_c_compressionLevel?: number }
}

export const MAX_ZSTD_LEVEL = 22
/** (ZSTD_minCLevel) */
const MIN_ZSTD_LEVEL = -131072

const LOADERS: Record<ZstdName, () => Promise<Zstd | undefined>> = {
  'zstd-napi': loadNapi,
  'node:zlib': loadZlib,
  wasm: loadWasm,
}

const loaded = new Map<ZstdName, Promise<Zstd | undefined>>()

/** The fastest zstd that is present. */
export async function loadZstd(): Promise<Zstd> {
  for (const name of ZSTD_NAMES) {
    const zstd = await loadZstdNamed(name)
    if (zstd !== undefined) return zstd
  }
  throw new Error('no zstd library can be loaded')
}

/** The zstd of that name, or undefined when it is not installed, not built or not in this Node. */
export function loadZstdNamed(name: ZstdName): Promise<Zstd | undefined> {
  let zstd = loaded.get(name)
  if (zstd === undefined) loaded.set(name, (zstd = LOADERS[name]()))
  return zstd
}

/** `ZSTD_COMPRESSBOUND` of zstd.h. */
function compressBound(size: number): number {
  const margin = size < 128 * 1024 ? (128 * 1024 - size) >> 11 : 0
  return size + Math.floor(size / 256) + margin
}

function checkLevel(level: number): void {
  if (!Number.isInteger(level) || level < MIN_ZSTD_LEVEL || level === 0 || level > MAX_ZSTD_LEVEL) {
    throw new RangeError(`zstd level: expected ${MIN_ZSTD_LEVEL} to ${MAX_ZSTD_LEVEL} but 0, found ${level}`)
  }
}

/**
 * The most bytes that a frame can hold, by its header and by the caller. Input that is cut off or too long never gets to
 * the libraries, which treat it differently (node:zlib takes it without an error).
 */
function checkFrame(bytes: Uint8Array, maxSize: number): number {
  const size = readFrameSize(bytes)
  if (size !== bytes.length) {
    throw new RangeError(`zstd frame: expected ${bytes.length} bytes, found ${size}`)
  }
  const { contentSize } = readFrameHeader(bytes)
  if (contentSize !== undefined && contentSize > maxSize) {
    throw new RangeError(`zstd frame: expected at most ${maxSize} bytes of content, found ${contentSize}`)
  }
  return contentSize ?? maxSize
}

async function loadNapi(): Promise<Zstd | undefined> {
  const binding = await loadNapiBinding()
  if (binding === undefined) return undefined
  const decoder = new binding.DCtx()
  return {
    name: 'zstd-napi',
    compressBound,
    createCompressor(level) {
      checkLevel(level)
      const encoder = new binding.CCtx()
      encoder.setParameter(binding.CParameter.compressionLevel, level)
      return { compress: (target, source) => encoder.compress2(target, source) }
    },
    decompress(bytes, maxSize) {
      const target = new Uint8Array(checkFrame(bytes, maxSize))
      return target.subarray(0, decoder.decompress(target, bytes))
    },
    decompressInto(target, bytes) {
      checkFrame(bytes, target.length)
      return decoder.decompress(target, bytes)
    },
  }
}

async function loadZlib(): Promise<Zstd | undefined> {
  const zlib = await nodeModule<ZlibZstd>('node:zlib')
  if (zlib === undefined) return undefined
  const level = zlib.constants.ZSTD_c_compressionLevel
  const { zstdCompressSync, zstdDecompressSync } = zlib
  if (level === undefined || zstdCompressSync === undefined || zstdDecompressSync === undefined) {
    return undefined
  }
  const decompress = (bytes: Uint8Array, maxSize: number): Uint8Array => {
    checkFrame(bytes, maxSize)
    return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, maxSize) })
  }
  return {
    name: 'node:zlib',
    compressBound,
    createCompressor(value) {
      checkLevel(value)
      return {
        compress(target, source) {
          // With room for all of it in one chunk libzstd works in one go, as the others do.
          const frame = zstdCompressSync(source, {
            params: { [level]: value },
            chunkSize: Math.max(1024, compressBound(source.length) + 1),
          })
          target.set(frame)
          return frame.length
        },
      }
    },
    decompress,
    decompressInto: (target, bytes) => copyInto(target, decompress(bytes, target.length)),
  }
}

async function loadWasm(): Promise<Zstd> {
  const { WasmZstd } = await import('./wasm.ts')
  const wasm = await WasmZstd.load()
  return {
    name: 'wasm',
    compressBound,
    createCompressor(level) {
      checkLevel(level)
      return {
        compress: (target, source) =>
          copyInto(target, wasm.compress(source, compressBound(source.length), level)),
      }
    },
    decompress: (bytes, maxSize) => wasm.decompress(bytes, checkFrame(bytes, maxSize)).slice(),
    decompressInto: (target, bytes) =>
      copyInto(target, wasm.decompress(bytes, checkFrame(bytes, target.length))),
  }
}

function copyInto(target: Uint8Array, content: Uint8Array): number {
  target.set(content)
  return content.length
}
