/** A tree with something of everything, as a tar archive and as entries. */
import type { Entry } from '../../src/btrfs/index.ts'
import { toBytes, toDisplay } from '../../src/lib/byte-string.ts'
import { noise, text } from '../images/build.ts'
import type { TarInput } from '../tar/build-tar.ts'

const NOT_UTF8 = 'caf\xe9'
const MTIME = { sec: 1_600_000_000, nsec: 5 }

export const TREE: TarInput[] = [
  { path: 'etc', type: 'directory', mode: 0o750, uid: 1, gid: 2, mtime: MTIME },
  { path: 'etc/hostname', type: 'file', content: 'pi\n', mode: 0o640, mtime: MTIME },
  {
    path: `etc/${NOT_UTF8}`,
    type: 'file',
    content: text(300_000),
    xattrs: [{ name: 'user.note', value: noise(9) }],
  },
  { path: `etc/${NOT_UTF8}.twin`, type: 'file', content: text(300_000) },
  { path: 'etc/again', type: 'hardlink', target: 'etc/hostname' },
  { path: 'home/user/noise', type: 'file', content: noise(1_500_001) },
  { path: 'link', type: 'symlink', target: NOT_UTF8, mode: 0o777 },
  { path: 'boot/Image', type: 'file', content: text(70_000) },
  { path: 'dev/null', type: 'character', major: 1, minor: 3 },
  { path: 'run/pipe', type: 'fifo' },
]

/** The same entry, as a program would make it. */
export function entryOf(input: TarInput): Entry {
  const { path, xattrs, ...rest } = input
  const names = { path: `/${toDisplay(path)}`, pathBytes: toBytes(path) }
  const values = xattrs?.map(({ name, value }) => ({
    name: toDisplay(name),
    nameBytes: toBytes(name),
    value,
  }))
  const entry = { ...rest, ...names, ...(values && { xattrs: values }) }
  if (!('target' in entry)) return entry
  return { ...entry, target: toDisplay(entry.target), targetBytes: toBytes(entry.target) }
}

// eslint-disable-next-line @typescript-eslint/require-await
export async function* oneByOne(entries: readonly Entry[]) {
  for (const entry of entries) {
    const { content } = entry
    if (!(content instanceof Uint8Array)) yield entry
    else yield { ...entry, size: content.length, content: inPieces(content) }
  }
}

// eslint-disable-next-line @typescript-eslint/require-await
export async function* inPieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
}
