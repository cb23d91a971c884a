/**
 * The least that any program must do to make an image of an archive, and nothing else: reads it with our reader,
 * compresses the pieces of 128 KiB of every file that is not small enough for the tree (zstd level 3, with the
 * library the build uses), and takes CRC-32C of what would be stored. Writes nothing. bound.mjs and
 * `closure.mjs --bound` measure it.
 *
 * usage: node bench/lower-bound.mjs TAR
 *
 * Needs dist/ (npm run build). Prints what it has seen.
 */
import { CRC32C } from '../dist/lib/crc32c.js'
import { loadZstd } from '../dist/lib/zstd/codec.js'
import { openSource } from '../dist/sources/open.js'

const LEVEL = 3
const PIECE = 128 * 1024
const SECTOR = 4096
const MAX_INLINE = 2048

const zstd = await loadZstd()
const compressor = zstd.createCompressor(LEVEL)
const target = new Uint8Array(zstd.compressBound(PIECE))
const checksums = new Uint8Array(CRC32C.size * (PIECE / SECTOR))
const gathered = new Uint8Array(PIECE)
const seen = { library: zstd.name, entries: 0, bytes: 0, pieces: 0, stored: 0 }

const sectors = (length) => Math.ceil(length / SECTOR) * SECTOR

function pack(piece) {
  // A piece of one sector has nothing to gain.
  const length = piece.length > SECTOR ? sectors(compressor.compress(target, piece)) : Infinity
  const isSmaller = length < sectors(piece.length)
  CRC32C.hashBlocks(isSmaller ? target.subarray(0, length) : piece, SECTOR, checksums)
  seen.pieces++
  seen.stored += isSmaller ? length : sectors(piece.length)
}

async function packFile({ size, content }) {
  let waiting = 0
  let left = size
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length;) {
      const length = Math.min(PIECE - waiting, left, chunk.length - at)
      const part = chunk.subarray(at, at + length)
      const isWhole = waiting + length === PIECE || length === left
      if (waiting === 0 && isWhole) {
        pack(part)
      } else {
        gathered.set(part, waiting)
        waiting += length
        if (isWhole) pack(gathered.subarray(0, waiting))
      }
      if (isWhole) waiting = 0
      at += length
      left -= length
    }
  }
}

for await (const entry of await openSource({ kind: 'tar', path: process.argv[2], to: '' })) {
  seen.entries++
  if (entry.type !== 'file') continue
  seen.bytes += entry.size
  if (entry.size > MAX_INLINE) await packFile(entry)
}
console.log(JSON.stringify(seen))
