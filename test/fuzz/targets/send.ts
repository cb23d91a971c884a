import { COMMANDS, CommandHeader, SendHeader } from '../../../src/btrfs/send/format.ts'
import { sendChecksum } from '../../../src/btrfs/checksum.ts'
import { readSendEntries } from '../../../src/sources/send/read-send.ts'
import { firstBytes } from '../../../src/lib/first-bytes.ts'
import { viewOf } from '../../../src/lib/struct.ts'
import { inPieces } from '../../tar/collect.ts'
import { SAMPLE_STREAMS } from '../../sources/send/sample-streams.ts'
import { expectSameResult, pieceSize } from '../pieces.ts'
import { SOURCE, words, type FuzzTarget } from '../target.ts'
import { checkNames } from './tar.ts'

/** Bytes of a file: clones make much of little. */
const MAX_READ = 65536

const { len: LENGTH, crc: CRC } = CommandHeader.at

export const send: FuzzTarget = {
  name: 'send',
  executions: 10_000,
  maxLength: 4096,
  dictionary: [
    ...words('btrfs-stream\0', 'dir', 'dir/file', 'user.a', '..', '/', '\0'),
    ...Object.values(COMMANDS).map(({ id }) => Uint8Array.of(id, 0)),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  ],
  seeds: () => SAMPLE_STREAMS.map((commands) => new Uint8Array(Buffer.concat(commands))),
  repair: withChecksums,
  async run(input) {
    const read = (size: number) => async () => {
      const entries = readSendEntries([{ source: SOURCE, chunks: inPieces(input, size) }], {
        time: { sec: 0, nsec: 0 },
        leavesOut: () => false,
        signal: undefined,
      })
      const all: string[] = []
      for await (const entry of entries) {
        checkNames(entry)
        const content = entry.type === 'file' ? await firstBytes(entry.content, MAX_READ) : undefined
        all.push(JSON.stringify({ ...entry, content: content && Buffer.from(content).toString('latin1') }))
      }
      return all
    }
    await expectSameResult(read(Math.max(1, input.length)), read(pieceSize(input)))
  },
}

/** Right checksums for all commands, as far as their lengths lead. */
function withChecksums(input: Uint8Array): Uint8Array {
  const result = input.slice()
  const view = viewOf(result)
  for (let at = SendHeader.size; at + CommandHeader.size <= result.length;) {
    const start = at + CommandHeader.size
    const end = start + LENGTH.get(view, at)
    if (end > result.length) break
    CRC.set(view, at, 0)
    CRC.set(view, at, sendChecksum(result.subarray(at, start), result.subarray(start, end)))
    at = end
  }
  return result
}
