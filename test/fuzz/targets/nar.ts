import { narLength, narString } from '../../../src/sources/nix/nar-format.ts'
import { isExportStart } from '../../../src/sources/nix/export-stream.ts'
import { writeNar } from '../../sources/nix/write-nar.ts'
import { readNarEntries } from '../../../src/sources/nix/nar-reader.ts'
import { openExport } from '../../../src/sources/nix/nix-source.ts'
import { StoreRegistry } from '../../../src/sources/nix/registry.ts'
import { collect, inPieces, join } from '../../tar/collect.ts'
import { expectSameResult, pieceSize } from '../pieces.ts'
import { SOURCE, Violation, words, type FuzzTarget } from '../target.ts'
import { checkNames } from './tar.ts'

const bytes = (...strings: string[]) =>
  Buffer.from(strings.map((each) => narString(each) as string).join(''), 'latin1')
const number = (value: number) => Buffer.from(narLength(value) as string, 'latin1')

const file = (text: string) => ['(', 'type', 'regular', 'contents', text, ')']
const entry = (name: string, ...node: string[]) => ['entry', '(', 'name', name, 'node', ...node, ')']
const directory = (...entries: string[][]) => ['(', 'type', 'directory', ...entries.flat(), ')']
const symlink = (target: string) => ['(', 'type', 'symlink', 'target', target, ')']
const WORDS = ['nix-archive-1', '(', ')', 'type', 'regular', 'directory', 'symlink', 'executable', 'contents']

const NAR = bytes(
  'nix-archive-1',
  ...directory(
    entry('a', ...directory()),
    entry('b', '(', 'type', 'regular', 'executable', '', 'contents', 'tool', ')'),
    entry('c', ...directory(entry('link', ...symlink('../a')), entry('long', ...file('x'.repeat(300))))),
  ),
)
const PATH = '/nix/store/00000000000000000000000000000000-a'
const EXPORT_MAGIC = number(0x4558494e)

export const nar: FuzzTarget = {
  name: 'nar',
  executions: 15_000,
  maxLength: 4096,
  dictionary: [
    ...[...WORDS, 'entry', 'name', 'node', 'target', '', '.', '..', 'a/b', PATH].map((word) => bytes(word)),
    ...[0, 1, 255, 256, 65536, 2 ** 32, 2 ** 52].map(number),
    ...words(...WORDS, '/', '\0'),
    EXPORT_MAGIC,
  ],
  seeds: () => [
    NAR,
    bytes('nix-archive-1', ...file('alone')),
    bytes('nix-archive-1', ...symlink('target')),
    Buffer.concat([
      ...[number(1), bytes('nix-archive-1', ...file('alone')), EXPORT_MAGIC, bytes(PATH)],
      ...[number(1), bytes(PATH), bytes(''), number(0), number(0)],
    ]),
    Buffer.concat([
      ...[number(1), NAR, EXPORT_MAGIC, bytes(PATH), number(0), bytes(`${PATH}.drv`)],
      ...[number(1), bytes('signature'), number(0)],
    ]),
  ],
  async run(input) {
    const size = pieceSize(input)
    if (isExportStart(input.subarray(0, 32))) {
      const read = (size: number) => async () => {
        const open = () => inPieces(input, size)
        await collect(openExport(open, SOURCE, { registry: new StoreRegistry() }))
      }
      await expectSameResult(read(Math.max(1, input.length)), read(size))
      return
    }
    const again = (size: number) => async () => {
      const entries = readNarEntries(inPieces(input, size), SOURCE)
      return Buffer.from(await join(writeNar(entries))).toString('latin1')
    }
    await expectSameResult(again(Math.max(1, input.length)), again(size))
    for await (const each of readNarEntries(inPieces(input, size), SOURCE)) checkNames(each)
    // There is one NAR for a tree.
    if ((await again(size)()) !== Buffer.from(input).toString('latin1')) {
      throw new Violation('what was read has another NAR')
    }
  },
}
