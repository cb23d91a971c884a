import { describe, expect, test } from 'vitest'
import { InputError } from '../../../src/lib/errors.ts'
import { narLength, narString } from '../../../src/sources/nix/nar-format.ts'
import { writeNar } from './write-nar.ts'
import { readNarEntries } from '../../../src/sources/nix/nar-reader.ts'
import { collect, inPieces, join } from '../../tar/collect.ts'

const bytes = (...strings: string[]) =>
  Buffer.from(strings.map((each) => narString(each) as string).join(''), 'latin1')
const file = (text: string) => ['(', 'type', 'regular', 'contents', text, ')']
const entry = (name: string, ...node: string[]) => ['entry', '(', 'name', name, 'node', ...node, ')']
const directory = (...entries: string[][]) => ['(', 'type', 'directory', ...entries.flat(), ')']
const nar = (...node: string[]) => bytes('nix-archive-1', ...node)
const symlink = (target: string) => ['(', 'type', 'symlink', 'target', target, ')']

const SAMPLE = nar(
  ...directory(
    entry('a', ...directory()),
    entry('a-b', '(', 'type', 'regular', 'executable', '', 'contents', 'tool', ')'),
    entry('b', ...directory(entry('link', ...symlink('../a')), entry('long', ...file('x'.repeat(300))))),
  ),
)

const read = (bytes: Uint8Array, size = 100) => collect(readNarEntries(inPieces(bytes, size), 'x.nar'))

describe('readNarEntries', () => {
  test.each([1, 8, 1000, 1e6])('reads what lies in pieces of %s bytes', async (size) => {
    const store = { uid: 0, gid: 0, mtime: { sec: 1, nsec: 0 } }
    expect(await read(SAMPLE, size)).toEqual([
      { path: '', type: 'directory', mode: 0o555, ...store },
      { path: 'a', type: 'directory', mode: 0o555, ...store },
      {
        path: 'a-b',
        type: 'file',
        mode: 0o555,
        ...store,
        size: 4,
        content: new Uint8Array(Buffer.from('tool')),
      },
      { path: 'b', type: 'directory', mode: 0o555, ...store },
      { path: 'b/link', type: 'symlink', mode: 0o777, ...store, target: '../a' },
      {
        ...{ path: 'b/long', type: 'file', mode: 0o444, ...store, size: 300 },
        content: new Uint8Array(Buffer.from('x'.repeat(300))),
      },
    ])
    expect(await join(writeNar(readNarEntries(inPieces(SAMPLE, size), 'x')))).toEqual(new Uint8Array(SAMPLE))
  })

  test('content is read once, and before the next entry is asked for', async () => {
    const contents: AsyncIterable<Uint8Array>[] = []
    for await (const entry of readNarEntries(inPieces(SAMPLE, 50), 'x')) {
      if (entry.type === 'file') contents.push(entry.content)
    }
    await expect(join(contents[0])).rejects.toThrow('before the next entry')
  })

  test('an archive that ends anywhere before its end is an error with the offset of it', async () => {
    for (let length = 0; length < SAMPLE.length; length++) {
      const reading = read(SAMPLE.subarray(0, length))
      await expect(reading, `${length}`).rejects.toBeInstanceOf(InputError)
      await expect(reading, `${length}`).rejects.toThrow(/^x\.nar.* at offset \d+: truncated/)
    }
  })

  test('no change of one byte goes unseen, but in content, names and targets', async () => {
    const original = await read(SAMPLE)
    for (let at = 0; at < SAMPLE.length; at++) {
      const changed = Buffer.from(SAMPLE)
      changed[at] ^= 0x55
      const entries = await read(changed).catch((error: unknown) => {
        expect(error).toBeInstanceOf(InputError)
      })
      // What it is read as has a NAR of its own, and that is what was read.
      if (entries === undefined) continue
      expect(entries).toHaveLength(original.length)
      expect(entries).not.toEqual(original)
    }
  })

  const u64 = (...numbers: number[]) =>
    Buffer.from(numbers.map((each) => narLength(each) as string).join(''), 'latin1')
  const deep = () => {
    const levels = 40_000
    const open = entry('d', '(', 'type', 'directory').slice(0, -1)
    return Buffer.concat([
      bytes('nix-archive-1', '(', 'type', 'directory'),
      Buffer.concat(Array<Buffer>(levels).fill(bytes(...open))),
    ])
  }

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'x.nar at offset 0: truncated'],
    [
      'something else',
      Buffer.from('#!/bin/sh\nexit 0\n\n'),
      'at offset 0: the length of "nix-archive-1": expected at most 64',
    ],
    [
      'another version',
      bytes('nix-archive-2', ...file('')),
      'at offset 0: expected "nix-archive-1", found "nix-archive-2"',
    ],
    [
      'names that do not ascend',
      nar(...directory(entry('b', ...file('')), entry('a', ...file('')))),
      'at offset 312: expected names in the order of their bytes, found "a" after "b"',
    ],
    [
      'a name twice',
      nar(...directory(entry('a', ...file('')), entry('a', ...file('')))),
      'the name "a" appears twice',
    ],
    ['the name ..', nar(...directory(entry('..', ...file('')))), 'expected the name of a file, found ".."'],
    ['the name .', nar(...directory(entry('.', ...file('')))), 'expected the name of a file, found "."'],
    ['no name', nar(...directory(entry('', ...file('')))), 'expected the name of a file, found ""'],
    [
      'a name with a slash',
      nar(...directory(entry('a/b', ...file('')))),
      'expected the name of a file, found "a/b"',
    ],
    [
      'a name with a NUL',
      nar(...directory(entry('a\0', ...file('')))),
      'expected the name of a file, found "a\\\\x00"',
    ],
    [
      'a long name',
      nar(...directory(entry('n'.repeat(256), ...file('')))),
      'expected at most 255, found 256',
    ],
    ['a long target', nar(...symlink('t'.repeat(4096))), 'expected at most 4095, found 4096'],
    ['no target', nar(...symlink('')), 'a symlink without a target'],
    ['a target with a NUL', nar(...symlink('a\0b')), 'the target of a symlink contains a NUL'],
    ['a type that is none', nar('(', 'type', 'device', ')'), 'expected a type of node, found "device"'],
    ['no content', nar('(', 'type', 'regular', ')'), 'expected "executable" or "contents", found ")"'],
    [
      'a mark that is more',
      nar('(', 'type', 'regular', 'executable', 'y', 'contents', '', ')'),
      'expected "", found "y"',
    ],
    ['more behind its end', Buffer.concat([SAMPLE, u64(0)]), 'expected nothing after the end'],
    [
      'a size beyond 2^53',
      Buffer.concat([nar('(', 'type', 'regular', 'contents'), Buffer.alloc(8, 0xff)]),
      'the size of a file: expected at most 9007199254740991',
    ],
    [
      'more content than there is',
      Buffer.concat([nar('(', 'type', 'regular', 'contents'), u64(1e15), Buffer.alloc(64)]),
      'truncated content: expected 1000000000000000 bytes, 999999999999936 of them are missing',
    ],
    [
      'padding that is none',
      (() => {
        const changed = Buffer.from(nar(...file('abc')))
        changed[changed.length - 17] = 1
        return changed
      })(),
      'expected zeros as padding',
    ],
    ['40000 directories in each other', deep(), 'a path of 65537 bytes; 65536 are allowed'],
  ])('%s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message)
    await expect(read(bytes, 1e6)).rejects.toBeInstanceOf(InputError)
  })
})
