/**
 * CRC-32C of 4 KiB blocks, in pieces of 128 KiB: ours, and that of the package crc-32. Takes the best of many
 * short runs, as other work on the machine only ever slows one down. Needs dist/ (npm run build).
 *
 *   node bench/crc32c.mjs
 */
import crc32cJs from 'crc-32/crc32c.js'
import { crc32c, CRC32C } from '../dist/lib/crc32c.js'

const PIECE = 128 * 1024
const BLOCK = 4096
const PIECES_A_RUN = 40
const SECONDS = 1.5

const checksums = new Uint32Array(PIECE / BLOCK)
const blockChecksums = new Uint8Array(CRC32C.size * (PIECE / BLOCK))
const contestants = {
  'crc-32, 4 KiB blocks': (bytes) => {
    for (let at = 0; at < PIECE; at += BLOCK)
      checksums[at / BLOCK] = crc32cJs.buf(bytes.subarray(at, at + BLOCK))
  },
  'CRC32C.hashBlocks, 4 KiB blocks': (bytes) => CRC32C.hashBlocks(bytes, BLOCK, blockChecksums),
  'crc32c, one block of 4 KiB a call': (bytes) => {
    for (let at = 0; at < PIECE; at += BLOCK) checksums[at / BLOCK] = crc32c(bytes.subarray(at, at + BLOCK))
  },
  'crc32c, tree blocks of 16 KiB': (bytes) => {
    for (let at = 0; at < PIECE; at += 4 * BLOCK) crc32c(bytes.subarray(at + 32, at + 4 * BLOCK))
  },
}

for (const [kind, memory] of Object.entries({
  'own memory': new ArrayBuffer(PIECE),
  'shared memory': new SharedArrayBuffer(PIECE),
})) {
  const bytes = new Uint8Array(memory)
  for (let i = 0; i < PIECE; i++) bytes[i] = Math.imul(i, 0x9e3779b1) >>> 13
  for (const [name, run] of Object.entries(contestants)) {
    console.log(
      `${speed(() => run(bytes))
        .toFixed(2)
        .padStart(6)} GB/s  ${name}, ${kind}`,
    )
  }
}

function speed(checksumPiece) {
  let best = Infinity
  const end = performance.now() + SECONDS * 1000
  while (performance.now() < end) {
    const start = performance.now()
    for (let i = 0; i < PIECES_A_RUN; i++) checksumPiece()
    best = Math.min(best, performance.now() - start)
  }
  return (PIECES_A_RUN * PIECE) / best / 1e6
}
