import { applyManifest } from '../../../src/sources/manifest/apply-manifest.ts'
import { parseManifest } from '../../../src/sources/manifest/read-manifest.ts'
import { readTarEntries } from '../../../src/tar/read/entries.ts'
import { buildTar } from '../../tar/build-tar.ts'
import { inPieces } from '../../tar/collect.ts'
import { SOURCE, words, type FuzzTarget } from '../target.ts'
import { checkNames } from './tar.ts'

const MTREE = `#mtree
/set type=file uid=0 gid=0 mode=0644 nlink=1
. type=dir mode=0755 time=5.000000001
    f size=7 sha256digest=ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73
    a\\040b type=link link=target\\134 flags=uchg,nodump optional
d type=dir uname=root nochange
    dev type=char device=native,5,1
..
/unset mode
./d/x type=fifo \\
    mode=u=rw,go= ignore
..
`
const JSON_MANIFEST = {
  f: {
    type: 'file',
    mode: '0755',
    uid: 5,
    mtime: '2024-05-01T12:00:00Z',
    xattrs: { 'user.a': 'b' },
    size: 7,
  },
  'd/x': { type: 'character', major: 5, minor: 1, optional: true },
  l: { type: 'symlink', target: 't', ignore: true, nochange: true, sha256: '0'.repeat(64) },
}
const TREE = buildTar([
  { path: 'd', type: 'directory' },
  { path: 'f', type: 'file', content: 'content' },
  { path: 'd/x', type: 'fifo' },
])

/** Manifests of both forms, applied to a small tree. */
export const manifest: FuzzTarget = {
  name: 'manifest',
  executions: 10_000,
  maxLength: 4096,
  dictionary: words(
    ...[
      '/set ',
      '/unset ',
      '..\n',
      '.\n',
      '\\\n',
      '\\040',
      '\\M-a',
      '\\^@',
      '\\',
      '#mtree\n',
      ' ',
      '\n',
      '\r\n',
      '=',
    ],
    ...[
      'type=',
      'file',
      'dir',
      'link',
      'char',
      'block',
      'fifo',
      'socket',
      'mode=',
      'uid=',
      'gid=',
      'time=',
      'size=',
    ],
    ...[
      'device=',
      'native,',
      'linux,',
      'freebsd,',
      'flags=',
      'uchg',
      'none',
      'optional',
      'nochange',
      'ignore',
    ],
    ...[
      'md5=',
      'rmd160digest=',
      'sha256digest=',
      'constructor',
      '__proto__',
      'toString',
      'link=',
      'uname=',
      'all',
    ],
    ...['{', '}', '":{"', '"type":', '"mode":', '"xattrs":', '"target":', '"mtime":', '"", "', '../', 'f'],
  ),
  seeds: () => words(MTREE, JSON.stringify(JSON_MANIFEST)),
  async run(input) {
    const manifest = await parseManifest(input, SOURCE)
    const entries = readTarEntries(inPieces(TREE, TREE.length), SOURCE)
    for await (const entry of applyManifest(entries, { manifest, file: SOURCE, leavesOut: () => false })) {
      checkNames(entry)
      if (entry.type === 'file') for await (const piece of entry.content) piece.at(0)
    }
  },
}
