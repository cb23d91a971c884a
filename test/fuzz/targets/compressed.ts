import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fromBytes } from '../../../src/lib/byte-string.ts'
import { decompress } from '../../../src/sources/decompress.ts'
import { inPieces } from '../../tar/collect.ts'
import { expectSameResult, pieceSize } from '../pieces.ts'
import { SOURCE, words, type FuzzTarget } from '../target.ts'

/** Small inputs may stand for endless output: this much of it is read. */
const MAX_OUTPUT = 1 << 20

export const compressed: FuzzTarget = {
  name: 'compressed',
  executions: 1200,
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
    await expectSameResult(
      () => outputOf(inPieces(input, Math.max(1, input.length))),
      () => outputOf(inPieces(input, pieceSize(input))),
      // How much lies in one piece decides what the damage is found by.
      false,
    )
  },
}

async function outputOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let output = ''
  for await (const chunk of decompress(chunks, SOURCE)) {
    output += fromBytes(chunk.subarray(0, MAX_OUTPUT - output.length)) as string
    if (output.length === MAX_OUTPUT) break
  }
  return output
}
