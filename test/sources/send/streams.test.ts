/** Send streams as sources: what commands do, and what is wrong with those that nobody can do. */
import { describe, expect, test } from 'vitest'
import type { SourceEntry } from '../../../src/file-tree/entry.ts'
import { wholeContent } from '../../../src/file-tree/file-content.ts'
import { InputError } from '../../../src/lib/errors.ts'
import { readSendEntries } from '../../../src/sources/send/read-send.ts'
import { encodeSendHeader } from '../../../src/btrfs/send/write/encode-command.ts'
import { collect, exhaust, inPieces, join } from '../../tar/collect.ts'
import {
  commandsOf,
  END,
  NEXT_UUID,
  SAMPLE_STREAMS,
  streamOf,
  SUBVOLUME,
  time,
  UUID,
} from './sample-streams.ts'

const OPTIONS = { time: { sec: 1, nsec: 0 }, leavesOut: () => false, signal: undefined }
const v1 = commandsOf(1)
const v2 = commandsOf(2)

const bytesOf = (commands: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(commands))

function entriesOf(...files: (readonly Uint8Array[])[]): AsyncGenerator<SourceEntry> {
  const streams = files.map((commands, i) => ({
    source: `stream ${i}`,
    chunks: inPieces(bytesOf(commands), 4096),
  }))
  return readSendEntries(streams, OPTIONS)
}

const byPath = async (entries: AsyncIterable<SourceEntry>) =>
  new Map((await collect(entries)).map((entry) => [String(entry.path), entry]))

const fileOf = (data: Uint8Array, ...commands: Uint8Array[]) =>
  streamOf(v1('mkfile', { path: 'f' }), v1('write', { path: 'f', fileOffset: 0, data }), ...commands)

describe('a full stream', () => {
  test('makes the tree that its commands say', async () => {
    const tree = await byPath(entriesOf(SAMPLE_STREAMS[0]))
    expect([...tree.keys()].sort()).toEqual(
      ['', 'device', 'dir', 'dir/file', 'fifo', 'link', 'other', 'socket'].sort(),
    )
    expect(tree.get('')).toMatchObject({ received: { uuid: UUID, transid: 7 } })
    const content = Buffer.alloc(5000, 'text ')
    expect(tree.get('dir/file')).toMatchObject({
      ...{
        type: 'file',
        mode: 0o4755,
        uid: 1000,
        gid: 100,
        size: 12_000,
        mtime: time,
        atime: time,
        ctime: time,
      },
      xattrs: [{ name: 'user.a', value: Uint8Array.from(Buffer.from('value')) }],
      content: bytesOf([content, Buffer.alloc(3192), content.subarray(0, 3808)]),
    })
    expect(tree.get('other')).toMatchObject({ type: 'hardlink', target: 'dir/file' })
    expect(tree.get('link')).toMatchObject({ type: 'symlink', target: '../elsewhere' })
    // (new_decode_dev)
    expect(tree.get('device')).toMatchObject({ type: 'character', major: 0x345, minor: 0x1267 })
  })

  test('is the same in pieces of any size', async () => {
    const input = bytesOf(SAMPLE_STREAMS[1])
    const read = async (size: number) => {
      const entries = await collect(
        readSendEntries([{ source: 's', chunks: inPieces(input, size) }], OPTIONS),
      )
      return entries.map((entry) => ({ ...entry, parts: undefined }))
    }
    const whole = await read(input.length)
    for (const size of [1, 7, 1000]) expect(await read(size)).toEqual(whole)
  })
})

describe('an incremental stream', () => {
  const [full, both] = SAMPLE_STREAMS
  const incremental = both.slice(full.length)

  test.each([
    ['behind the full one', [both]],
    ['in a file of its own', [full, incremental]],
  ])('%s changes what that has brought', async (_, files) => {
    const tree = await byPath(entriesOf(...files))
    expect(tree.get('')).toMatchObject({ received: { uuid: NEXT_UUID, transid: 9 } })
    expect(tree.has('other')).toBe(false)
    const file = tree.get('dir/file')!
    expect(file.xattrs).toBeUndefined()
    expect(Buffer.from(file.content!).toString('latin1', 98, 110)).toBe('t changedxt ')
    const packed = Buffer.alloc(40_000)
    Buffer.alloc(20_000, 'packed ').copy(packed)
    packed.fill(0, 4096, 8192)
    expect(tree.get('packed')).toMatchObject({
      ...{ size: 40_000, birthtime: time, flags: ['noatime'] },
      content: new Uint8Array(packed),
    })
  })

  test('clones from its parent what its parent had', async () => {
    const next = [
      encodeSendHeader(1),
      v1('snapshot', { path: 'b', uuid: NEXT_UUID, ctransid: 9, cloneUuid: UUID, cloneCtransid: 7 }),
      v1('write', { path: 'f', fileOffset: 0, data: Buffer.from('new') }),
      v1('mkfile', { path: 'g' }),
      v1('clone', {
        ...{ path: 'g', fileOffset: 0, cloneLen: 3 },
        ...{ cloneUuid: UUID, cloneCtransid: 7, clonePath: 'f', cloneOffset: 0 },
      }),
      END,
    ]
    const tree = await byPath(entriesOf(fileOf(Buffer.from('old')), next))
    expect(Buffer.from(tree.get('f')!.content!).toString()).toBe('new')
    expect(Buffer.from(tree.get('g')!.content!).toString()).toBe('old')
  })

  test('without its parent is an error', async () => {
    await expect(exhaust(entriesOf(incremental))).rejects.toThrow(
      'stream 0 at offset 17: the stream is incremental: its parent, with the UUID 01020304-0506-0708-090a-0b0c0d0e0f10, must come in an earlier stream',
    )
  })
})

describe('what programs may no longer do', () => {
  const CAPABILITY = { xattrName: 'security.capability', xattrData: Buffer.alloc(20, 1) } as const
  const of = async (...commands: Uint8Array[]) =>
    (await byPath(entriesOf(fileOf(Buffer.from('x'), ...commands)))).get('f')!

  test('goes with a new owner, and comes with the next mode', async () => {
    const chown = v1('chown', { path: 'f', uid: 1, gid: 1 })
    const chmod = v1('chmod', { path: 'f', mode: 0o6755 })
    expect((await of(chmod, chown)).mode).toBe(0o755)
    expect((await of(chown, chmod)).mode).toBe(0o6755)
  })

  test('capabilities go with a new owner and new content', async () => {
    const set = v1('setXattr', { path: 'f', ...CAPABILITY })
    expect((await of(set)).xattrs).toHaveLength(1)
    expect((await of(set, v1('chown', { path: 'f', uid: 0, gid: 0 }))).xattrs).toBeUndefined()
    expect((await of(set, v1('truncate', { path: 'f', size: 0 }))).xattrs).toBeUndefined()
  })
})

describe('names', () => {
  const tree = async (...commands: Uint8Array[]) => [
    ...(await byPath(entriesOf(streamOf(...commands)))).keys(),
  ]
  const mkfile = (path: string) => v1('mkfile', { path })
  const mkdir = (path: string) => v1('mkdir', { path })

  test('replace others, as rename(2) does it', async () => {
    expect(await tree(mkfile('a'), mkfile('b'), v1('rename', { path: 'a', pathTo: 'b' }))).toEqual(['', 'b'])
    expect(
      await tree(mkdir('a'), mkfile('a/x'), mkdir('b'), v1('rename', { path: 'a', pathTo: 'b' })),
    ).toEqual(['', 'b', 'b/x'])
    const linked = [
      mkfile('a'),
      v1('link', { path: 'b', pathLink: 'a' }),
      v1('rename', { path: 'a', pathTo: 'b' }),
    ]
    expect(await tree(...linked)).toEqual(['', 'a', 'b'])
  })

  test.each<[string, Uint8Array[], string]>([
    [
      'over a directory that is not empty',
      [mkdir('a'), mkdir('b'), mkfile('b/x'), v1('rename', { path: 'a', pathTo: 'b' })],
      '"b" is a directory that is not empty',
    ],
    [
      'over another kind',
      [mkfile('a'), mkdir('b'), v1('rename', { path: 'a', pathTo: 'b' })],
      '"a" is a file, and "b" a directory',
    ],
    [
      'into itself',
      [mkdir('a'), mkdir('a/b'), v1('rename', { path: 'a', pathTo: 'a/b/c' })],
      '"a" cannot be moved into itself, to "a/b/c"',
    ],
    ['of what is not there', [v1('rename', { path: 'a', pathTo: 'b' })], '"a" does not exist'],
    ['below a file', [mkfile('a'), mkfile('a/b')], '"a" is a file, not a directory'],
    ['twice', [mkfile('a'), mkfile('a')], '"a" exists already'],
    [
      'of a directory, linked',
      [mkdir('a'), v1('link', { path: 'b', pathLink: 'a' })],
      '"a" is a directory, which cannot have hard links',
    ],
    ['of a directory, unlinked', [mkdir('a'), v1('unlink', { path: 'a' })], '"a" is a directory'],
    [
      'of a file, removed as a directory',
      [mkfile('a'), v1('rmdir', { path: 'a' })],
      '"a" is a file, not a directory',
    ],
    ['of the root', [v1('rmdir', { path: '' })], 'the root of the subvolume has no name'],
  ])('%s are an error', async (_, commands, message) => {
    await expect(exhaust(entriesOf(streamOf(...commands)))).rejects.toThrow(message)
  })
})

/** A command whose attributes are these bytes, with the right checksum. */
function rawCommand(id: number, attributes: Uint8Array): Uint8Array {
  const command = Buffer.alloc(10 + attributes.length)
  command.writeUInt32LE(attributes.length, 0)
  command.writeUInt16LE(id, 4)
  command.set(attributes, 10)
  command.writeUInt32LE(rawCrc(command), 6)
  return command
}

/** CRC-32C bit by bit, from 0 on and without inversions. */
function rawCrc(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return crc >>> 0
}

describe('damaged streams', () => {
  const attribute = (type: number, ...bytes: number[]) => Uint8Array.of(type, 0, bytes.length, 0, ...bytes)
  const path = (text: string) => attribute(15, ...Buffer.from(text))
  const start = 17 + SUBVOLUME.length
  const flipped = (bytes: Uint8Array, at: number) => {
    const copy = bytes.slice()
    copy[at] ^= 1
    return copy
  }

  test.each<[string, readonly Uint8Array[], string]>([
    ['nothing', [], 'stream 0 at offset 0: expected a stream of btrfs send'],
    [
      'a text',
      [Buffer.from('#!/bin/sh\nexit 1\necho more than a header\n')],
      'stream 0 at offset 0: expected a stream of btrfs send',
    ],
    [
      'a tar archive',
      [Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(250)],
      'stream 0 at offset 0: this is a tar archive: expected a stream of btrfs send',
    ],
    [
      'version 3',
      [flipped(encodeSendHeader(2), 13)],
      'stream 0 at offset 0: expected a stream of version 1 or 2, found 3',
    ],
    ['no subvolume', [encodeSendHeader(1), END], 'the stream has no subvolume'],
    [
      'a change before a subvolume',
      [encodeSendHeader(1), v1('unlink', { path: 'a' })],
      'stream 0 at offset 17: unlink before a subvolume',
    ],
    [
      'no end',
      [encodeSendHeader(1), SUBVOLUME],
      `stream 0 at offset ${start}: the stream ends without its end command`,
    ],
    [
      'half a header of a command',
      [encodeSendHeader(1), SUBVOLUME, END.subarray(0, 5)],
      `stream 0 at offset ${start}: the stream is cut off in a command`,
    ],
    [
      'half a command',
      [encodeSendHeader(1), SUBVOLUME.subarray(0, 30)],
      'stream 0 at offset 17: the stream is cut off in a command',
    ],
    [
      'something behind its end',
      [...streamOf(), Buffer.from('more')],
      `stream 0 at offset ${start + END.length}: expected another stream, or nothing, after the end of one`,
    ],
    [
      'a flipped bit',
      [encodeSendHeader(1), flipped(SUBVOLUME, 20)],
      'stream 0 at offset 17: the command is damaged: expected the checksum',
    ],
    [
      'an unknown command',
      streamOf(rawCommand(99, path('a'))),
      `stream 0 at offset ${start}: unknown command 99 in a stream of version 1`,
    ],
    [
      'a command of version 2',
      streamOf(v2('fileattr', { path: '', fileattr: 1n })),
      'unknown command 24 in a stream of version 1',
    ],
    [
      'a command that is too long',
      streamOf(rawCommand(15, new Uint8Array(65536))),
      'expected a command of at most 65536 bytes, found 65546',
    ],
    [
      'an attribute that is too long',
      streamOf(rawCommand(3, Uint8Array.of(15, 0, 9, 0, 65))),
      'mkfile: an attribute that ends after its command',
    ],
    [
      'half an attribute',
      streamOf(rawCommand(3, Uint8Array.of(15, 0, 9))),
      'mkfile: an attribute that ends after its command',
    ],
    ['an unknown attribute', streamOf(rawCommand(3, attribute(77))), 'mkfile: unknown attribute 77'],
    [
      'an attribute twice',
      streamOf(rawCommand(3, bytesOf([path('a'), path('b')]))),
      'mkfile: two attributes path',
    ],
    [
      'an attribute of other commands',
      streamOf(rawCommand(3, bytesOf([path('a'), attribute(16, 65)]))),
      'mkfile: pathTo is not one of its attributes',
    ],
    [
      'no attribute',
      streamOf(rawCommand(3, attribute(3, ...new Array<number>(8).fill(0)))),
      'mkfile without its path',
    ],
    [
      'a number of 4 bytes',
      streamOf(rawCommand(17, bytesOf([path('a'), attribute(4, 1, 0, 0, 0)]))),
      'truncate: size: expected 8 bytes, found 4',
    ],
    [
      'a number of 2^63',
      streamOf(rawCommand(17, bytesOf([path('a'), attribute(4, 0, 0, 0, 0, 0, 0, 0, 128)]))),
      'truncate: size: expected a value below 2^53, found 9223372036854775808',
    ],
    [
      'a UUID of 3 bytes',
      [encodeSendHeader(1), rawCommand(1, bytesOf([path('a'), attribute(1, 1, 2, 3)]))],
      'subvol: uuid: expected 16 bytes, found 3',
    ],
    [
      'a billion nanoseconds',
      streamOf(v1('utimes', { path: '', atime: { sec: 0, nsec: 1e9 }, mtime: time, ctime: time })),
      'utimes: atime: expected nanoseconds below 1000000000, found 1000000000',
    ],
    [
      'a path out of the subvolume',
      streamOf(v1('mkfile', { path: '../a' })),
      'mkfile: path: expected a path of names, relative to the subvolume',
    ],
    [
      'an absolute path',
      streamOf(v1('mkfile', { path: '/a' })),
      'mkfile: path: expected a path of names, relative to the subvolume',
    ],
    [
      'a NUL in a path',
      streamOf(v1('mkfile', { path: 'a\0b' })),
      'mkfile: path: expected a path without NUL',
    ],
    [
      'content for what is no file',
      streamOf(v1('mkdir', { path: 'd' }), v1('write', { path: 'd', fileOffset: 0, data: UUID })),
      '"d" is a directory, not a file',
    ],
    [
      'a device that is none',
      streamOf(v1('mknod', { path: 'd', mode: 0o100644, rdev: 0 })),
      'mknod: expected the mode of a device, found 0100644',
    ],
    [
      'no content at all',
      streamOf(v1('mkfile', { path: 'f' }), v1('updateExtent', { path: 'f', fileOffset: 0, size: 10 })),
      'the stream was made without content (btrfs send --no-data), and "f" has some',
    ],
    [
      'an xattr that is not there',
      streamOf(v1('removeXattr', { path: '', xattrName: 'user.a' })),
      '"" has no xattr "user.a"',
    ],
    [
      'a clone of too much',
      fileOf(
        UUID,
        v1('clone', {
          path: 'f',
          fileOffset: 0,
          cloneLen: 17,
          cloneUuid: UUID,
          cloneCtransid: 7,
          clonePath: 'f',
          cloneOffset: 0,
        }),
      ),
      'clone: expected a part of the 16 bytes of "f", found 17 at 0',
    ],
    [
      'a clone from elsewhere',
      fileOf(
        UUID,
        v1('clone', {
          path: 'f',
          fileOffset: 0,
          cloneLen: 1,
          cloneUuid: NEXT_UUID,
          cloneCtransid: 7,
          clonePath: 'f',
          cloneOffset: 0,
        }),
      ),
      'clone: its source, with the UUID 65666768-696a-6b6c-6d6e-6f7071727374, must come in an earlier stream',
    ],
  ])('%s: one error that says where', async (_, commands, message) => {
    const error: unknown = await exhaust(entriesOf(commands)).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(InputError)
    expect((error as InputError).message).toContain(message)
  })
})

describe('compressed content', () => {
  const encoded = (data: Uint8Array, more: Partial<Parameters<typeof v2<'encodedWrite'>>[1]> = {}) => [
    encodeSendHeader(2),
    SUBVOLUME,
    v2('mkfile', { path: 'f' }),
    v2('encodedWrite', {
      ...{ path: 'f', fileOffset: 0, unencodedFileLen: 8192, unencodedLen: 8192, unencodedOffset: 0 },
      ...{ compression: 2, encryption: 0 },
      ...more,
      data,
    }),
    END,
  ]
  const contentOf = async (commands: readonly Uint8Array[]) => {
    for await (const entry of entriesOf(commands)) if (entry.type === 'file') return join(wholeContent(entry))
    return undefined
  }

  test.each<[string, Parameters<typeof encoded>, string]>([
    ['damaged', [Buffer.from('no frame of zstd')], 'the content that is compressed with zstd is damaged'],
    ['of an unknown kind', [UUID, { compression: 9 }], 'encodedWrite: unknown compression 9'],
    ['encrypted', [UUID, { encryption: 1 }], 'encodedWrite: expected no encryption, found 1'],
    [
      'longer than extents are',
      [UUID, { unencodedLen: 262_144 }],
      'encodedWrite: expected 1 to 131072 bytes, found 16 that become 262144',
    ],
    [
      'of which a part is behind its end',
      [UUID, { unencodedOffset: 4096 }],
      'encodedWrite: expected a part of 8192 bytes, found 8192 at 4096',
    ],
    [
      'of another length, not compressed',
      [UUID, { compression: 0 }],
      'encodedWrite: expected 8192 bytes, found 16',
    ],
  ])('%s is an error', async (_, [data, more], message) => {
    await expect(contentOf(encoded(data, more))).rejects.toThrow(message)
  })
})
