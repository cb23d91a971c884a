import type { Transform } from 'node:stream'
import { InputError } from '../lib/errors.ts'
import { nodeModule } from '../lib/node-module.ts'
import { loadNapiBinding } from '../lib/zstd/native.ts'
import { through } from './through.ts'
import { framePieces, truncatedZstd, type FramePiece } from './zstd-frames.ts'

const OUTPUT_CHUNK = 512 << 10
/** Less than this is not handed out while more input is at hand. */
const WORTHWHILE = 128 << 10
/** The largest window is 128 MiB, as for the `zstd` command without `--long=31`. */
const WINDOW_LOG_MAX = 27

/** One step of decompression (ZSTD_decompressStream): what is left to do (0: the frame is whole), written, read. */
type Step = (output: Uint8Array, input: Uint8Array) => [left: number, written: number, read: number]

/**
 * The content of zstd frames (RFC 8878), skippable ones left out. Uses the optional package zstd-napi, Node's own zlib
 * where it knows zstd, or WebAssembly.
 *
 * @throws InputError when it is damaged or truncated, or needs a window over 128 MiB
 */
export async function* decompressZstd(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const step = await nativeDecoder()
  const zlib = step === undefined ? await nodeModule('node:zlib') : undefined
  if (step !== undefined) yield* decodeFrames(step, chunks, source)
  else if (zlib !== undefined && hasZstd(zlib)) yield* decodeByZlib(zlib, chunks, source)
  else yield* decodeFrames(await wasmDecoder(), chunks, source)
}

async function nativeDecoder(): Promise<Step | undefined> {
  const zstd = await loadNapiBinding()
  if (zstd === undefined) return undefined
  const context = new zstd.DCtx()
  context.setParameter(zstd.DParameter.windowLogMax, WINDOW_LOG_MAX)
  return (output, input) => context.decompressStream(output, input)
}

export async function wasmDecoder(): Promise<Step> {
  const { WasmZstd } = await import('../lib/zstd/wasm.ts')
  const wasm = await WasmZstd.load()
  return (output, input) => wasm.decompressPiece(output, input)
}

/** Decodes frame after frame into one buffer, which is handed out when it is worthwhile. */
export async function* decodeFrames(
  step: Step,
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const output = new Uint8Array(OUTPUT_CHUNK)
  let filled = 0
  let inFrame = false
  let offset = 0
  for await (const chunk of chunks) {
    let at = 0
    let more = false // output the decoder still holds because the buffer was full
    while (at < chunk.length || more) {
      let left: number, written: number, read: number
      try {
        ;[left, written, read] = step(output.subarray(filled), chunk.subarray(at))
      } catch (error) {
        const message = `damaged zstd data after ${offset + at} compressed bytes: ${(error as Error).message}`
        throw new InputError(message, { source }, { cause: error })
      }
      at += read
      filled += written
      inFrame = left !== 0
      more = inFrame && filled === output.length
      if (filled === output.length) {
        yield output
        filled = 0
      }
    }
    offset += chunk.length
    if (filled >= WORTHWHILE) {
      yield output.subarray(0, filled)
      filled = 0
    }
  }
  if (filled > 0) yield output.subarray(0, filled)
  if (inFrame) throw truncatedZstd(source, offset)
}

/**
 * Decodes each frame by a stream of its own: Node's stops after the first one and takes a truncated one for whole,
 * without a word.
 */
export async function* decodeByZlib(
  zstd: ZlibWithZstd,
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const options = {
    chunkSize: OUTPUT_CHUNK,
    params: { [zstd.constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  }
  const pieces = framePieces(chunks, source)
  try {
    for (;;) {
      const first = await pieces.next()
      if (first.done) return
      yield* through(zstd.createZstdDecompress(options), oneFrame(first.value, pieces))
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('ZSTD_'))) throw error
    throw new InputError(`damaged zstd data: ${error.message}`, { source }, { cause: error })
  } finally {
    await pieces.return()
  }
}

/** Takes from `pieces` what belongs to the frame that begins with `piece`. */
async function* oneFrame(
  piece: FramePiece,
  pieces: AsyncIterator<FramePiece>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    yield piece.bytes
    if (piece.last) return
    const next = await pieces.next()
    if (next.done) return
    piece = next.value
  }
}

/** zstd in node:zlib, since Node 22.15. */
export interface ZlibWithZstd {
  createZstdDecompress(options: { chunkSize: number; params: Record<number, number> }): Transform
  constants: { ZSTD_d_windowLogMax: number }
}

function hasZstd(module: object): module is ZlibWithZstd {
  return 'createZstdDecompress' in module
}
