/**
 * How fast is each zstd that is present (zstd-napi, Node's own, WebAssembly) on pieces of 128 KiB out of an archive, one
 * thread, compressing and decompressing? They take turns; the figures are medians.
 *
 * usage: node bench/zstd.mjs [--rounds 9] [--level 3] [--pieces 160] [--tar closure.tar]
 *
 * Needs dist/ (npm run build). Without --tar it takes the large closure of `npm run fixture:closure`.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadZstdNamed, ZSTD_NAMES } from '../dist/lib/zstd/codec.js'
import { CLOSURE, expectTar } from './diskwright.mjs'
import { machine, median, table } from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    level: { type: 'string', default: '3' },
    pieces: { type: 'string', default: '160' },
    tar: { type: 'string', default: CLOSURE },
  },
})
expectTar(options.tar)

const PIECE = 128 * 1024

/** Pieces from all over the archive. */
function readPieces(path, count) {
  const step = Math.floor(statSync(path).size / count / PIECE) * PIECE
  const archive = openSync(path)
  const pieces = Array.from({ length: count }, (_, index) => {
    const piece = new Uint8Array(PIECE)
    readSync(archive, piece, 0, PIECE, index * step)
    return piece
  })
  closeSync(archive)
  return pieces
}

const elapsed = (work) => {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

const pieces = readPieces(options.tar, Number(options.pieces))
const found = await Promise.all(ZSTD_NAMES.map((name) => loadZstdNamed(name)))
const contestants = found
  .filter((zstd) => zstd !== undefined)
  .map((zstd) => {
    const compressor = zstd.createCompressor(Number(options.level))
    const target = new Uint8Array(zstd.compressBound(PIECE))
    const frames = pieces.map((piece) => target.slice(0, compressor.compress(target, piece)))
    return {
      name: zstd.name,
      compress: () => pieces.forEach((piece) => compressor.compress(target, piece)),
      decompress: () => frames.forEach((frame) => zstd.decompressInto(target, frame)),
      times: { compress: [], decompress: [] },
    }
  })
for (let round = 0; round <= Number(options.rounds); round++) {
  for (const contestant of contestants) {
    for (const what of ['compress', 'decompress']) {
      const time = elapsed(contestant[what])
      if (round > 0) contestant.times[what].push(time)
    }
  }
}

const [first] = contestants
const speed = ({ times }, what) => {
  const time = median(times[what])
  const rate = (pieces.length * PIECE) / time / 1e6
  return `${rate.toFixed(0)} MB/s, ${(time / median(first.times[what])).toFixed(2)}x`
}
console.log(machine(options.tar))
console.log(
  table([
    ['', `compress, level ${options.level}`, 'decompress'],
    ...contestants.map((contestant) => [
      contestant.name,
      speed(contestant, 'compress'),
      speed(contestant, 'decompress'),
    ]),
  ]),
)
