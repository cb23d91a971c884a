import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decompress } from '../../../src/sources/decompress.ts'
import { inPieces } from '../../tar/collect.ts'
import { expectSameResult, pieceSize } from '../pieces.ts'
import { fingerprint, SOURCE, words, type FuzzTarget } from '../target.ts'

/** Small inputs may stand for endless output: this much of it is read. */
const MAX_OUTPUT = 256 << 10
/** One input of so many is read in other pieces, too: most time goes into the memory that decoders begin with. */
const SECOND_READING = 4

export const compressed: FuzzTarget = {
  name: 'compressed',
  executions: 2500,
  maxLength: 2048,
  dictionary: words(
    ...['\x1f\x8b\x08', '\x28\xb5\x2f\xfd', '\x50\x2a\x4d\x18', '\xfd7zXZ\0', 'YZ', 'BZh9', 'BZh1', '1AY&SY'],
    ...['\x17rE8P\x90', '\x04\x22\x4d\x18', '\x02\x21\x4c\x18', '\x1f\x9d', 'PK\x03\x04', 'LZIP'],
  ),
  seeds() {
    const folder = join(process.env.FUZZ_SEEDS ?? join(import.meta.dirname, '../seeds'), 'compressed')
    const stored = readdirSync(folder).sort()
    const plain = Buffer.from('some text, some text, some more text')
    const gzip = gzipSync(plain)
    return [
      ...stored.map((name) => new Uint8Array(readFileSync(join(folder, name)))),
      ...[gzip, Buffer.concat([gzip, gzipSync(plain, { level: 0 })]), plain],
    ]
  },
  async run(input) {
    const whole = () => outputOf(inPieces(input, Math.max(1, input.length)))
    if (fingerprint(input) % SECOND_READING !== 0) return void (await whole())
    await expectSameResult(
      whole,
      () => outputOf(inPieces(input, pieceSize(input))),
      // How much lies in one piece decides what the damage is found by.
      false,
    )
  },
}

/** Length and digest: outputs are long, and most are compared. */
async function outputOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha1')
  let length = 0
  for await (const chunk of decompress(chunks, SOURCE)) {
    const piece = chunk.subarray(0, MAX_OUTPUT - length)
    hash.update(piece)
    length += piece.length
    if (length === MAX_OUTPUT) break
  }
  return `${length} ${hash.digest('hex')}`
}
