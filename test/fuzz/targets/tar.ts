import type { SourceEntry } from '../../../src/file-tree/entry.ts'
import { fromBytes } from '../../../src/lib/byte-string.ts'
import { readTarEntries } from '../../../src/tar/read/entries.ts'
import { buildTar, sealHeader } from '../../tar/build-tar.ts'
import { inPieces } from '../../tar/collect.ts'
import { expectSameResult, pieceSize } from '../pieces.ts'
import { SOURCE, Violation, words, type FuzzTarget } from '../target.ts'

const BLOCK = 512

export const tar: FuzzTarget = {
  name: 'tar',
  executions: 8000,
  maxLength: 16 * 1024,
  dictionary: words(
    ...[
      'ustar\x0000',
      'ustar  \0',
      '../',
      './',
      '/',
      '\0',
      '././@LongLink',
      '\x80\0\0\0',
      '\xff\xff\xff\xff',
    ],
    ...['path=', 'linkpath=', 'size=', 'mtime=', 'uid=', 'gid=', 'atime=', '11 path=a/b\n', '12 mtime=1.5\n'],
    ...[
      'GNU.sparse.major=1',
      'GNU.sparse.minor=0',
      'GNU.sparse.map=',
      'GNU.sparse.size=',
      'GNU.sparse.name=',
    ],
    ...['GNU.sparse.numblocks=', 'GNU.sparse.offset=', 'GNU.sparse.numbytes=', 'GNU.sparse.realsize='],
    ...[
      'SCHILY.xattr.user.',
      'SCHILY.acl.access=',
      'SCHILY.acl.default=',
      'SCHILY.devmajor=',
      'LIBARCHIVE.xattr.',
    ],
    ...[
      'LIBARCHIVE.creationtime=',
      'user::rwx,group::r-x,other::---',
      'hdrcharset=',
      'RHT.security.selinux=',
    ],
  ),
  seeds: () => [
    buildTar([
      { path: '', type: 'directory' },
      { path: 'd', type: 'directory', mtime: { sec: -1, nsec: 5 } },
      { path: 'd/f', type: 'file', content: 'content', uid: 3_000_000_000 },
      { path: `d/${'long'.repeat(40)}`, type: 'symlink', target: `${'t'.repeat(150)}` },
      { path: 'd/h', type: 'hardlink', target: 'd/f' },
      { path: 'd/dev', type: 'character', major: 5, minor: 1 },
      { path: 'd/fifo', type: 'fifo' },
    ]),
    ...(['gnu', '0.0', '0.1', '1.0'] as const).map((sparse) =>
      buildTar([{ path: 's', type: 'file', content: withHoles, sparse }]),
    ),
    buildTar([
      {
        path: 'x',
        type: 'file',
        xattrs: [{ name: 'user.%=', value: new Uint8Array([0, 10]) }],
        birthtime: { sec: 5, nsec: 6 },
        pax: {
          'SCHILY.acl.access': 'user::rw-,user:7:r--,group::r--,mask::r--,other::---',
          'LIBARCHIVE.xattr.user.b': 'AAEC',
        },
      },
    ]),
  ],
  repair: sealed,
  async run(input) {
    await expectSameResult(
      () => summaryOf(inPieces(input, Math.max(1, input.length))),
      () => summaryOf(inPieces(input, pieceSize(input))),
    )
  },
}

const withHoles = (() => {
  const bytes = new Uint8Array(8 * BLOCK)
  for (const block of [1, 4]) bytes.fill(block, block * BLOCK, (block + 1) * BLOCK)
  return bytes
})()

async function summaryOf(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = []
  for await (const entry of readTarEntries(chunks, SOURCE)) lines.push(await described(entry))
  return lines
}

/** An entry, with the data of its content, but not its holes, as they may be of any size. */
async function described(entry: SourceEntry): Promise<string> {
  checkNames(entry)
  if (entry.type !== 'file') return JSON.stringify(entry)
  const { content, ...rest } = entry
  let data = ''
  for await (const piece of content) data += fromBytes(piece) as string
  const stored = entry.ranges?.reduce((sum, { length }) => sum + length, 0) ?? entry.size
  if (data.length !== stored) throw new Violation(`expected ${stored} bytes of content, found ${data.length}`)
  return JSON.stringify({ ...rest, data })
}

export function checkNames({ path }: SourceEntry): void {
  const names = path === '' ? [] : path.split('/')
  if (names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0'))) {
    throw new Violation(`the path ${JSON.stringify(path)}`)
  }
}

/** Right checksums for all that looks like a header. */
function sealed(input: Uint8Array): Uint8Array {
  const result = input.slice()
  for (let at = 0; at + BLOCK <= result.length; at += BLOCK) {
    const block = result.subarray(at, at + BLOCK)
    if (Buffer.from(block.subarray(257, 262)).toString('latin1') === 'ustar') sealHeader(block)
  }
  return result
}
