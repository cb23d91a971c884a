/** One small image with something of everything, for tests of the judges. */
import type { ExpectedEntry, ExpectedTrees } from '../judges/expected.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { build, describeImage, noise, text, type BtrfsOptions, type Built } from './build.ts'
import { expectedImage } from './expected-image.ts'

/** Begins a stored extent: where it is found, data lies. */
export const MARKER = noise(64, 99)

const entries: TarInput[] = [
  { path: 'd/small', type: 'file', content: 'small\n', mode: 0o4755, uid: 1000, gid: 100 },
  { path: 'd/empty', type: 'file' },
  { path: 'd/marked', type: 'file', content: new Uint8Array([...MARKER, ...noise(9000)]) },
  { path: 'd/text', type: 'file', content: text(300_001), mtime: { sec: 1_600_000_000, nsec: 123_456_789 } },
  { path: 'd/again', type: 'hardlink', target: 'd/text' },
  { path: 'd/link', type: 'symlink', target: '../nowhere' },
  { path: 'd/fifo', type: 'fifo' },
  { path: 'd/device', type: 'character', major: 5, minor: 1 },
  { path: 'd/.hidden', type: 'file', content: text(5000) },
  { path: "d/it's with  spaces", type: 'file', content: 'x' },
  { path: 'd/\xff\xfe', type: 'directory' },
  { path: 'd/\xff\xfe/gr\xc3\xbc\xc3\x9fe', type: 'file', content: 'y' },
  { path: 'd/sparse', type: 'file', content: new Uint8Array([...new Uint8Array(200_000), ...noise(5000)]) },
  {
    path: 'boot/Image',
    type: 'file',
    content: noise(100_000),
    xattrs: [{ name: 'user.a', value: noise(30) }],
  },
  ...Array.from({ length: 100 }, (_, i): TarInput => ({
    path: `many/${i}`,
    type: 'file',
    content: text(50, i),
  })),
]

const options: BtrfsOptions = {
  compression: 'zstd',
  nodeSize: 4096,
  subvolumes: [
    { name: '@', path: '/' },
    { name: '@boot', path: '/boot', nodatacow: true },
  ],
}

export async function buildSample(folder: string): Promise<Built & { expected: ExpectedTrees }> {
  const sources = [{ entries }]
  const built = await build(folder, describeImage(folder, sources, options))
  return { ...built, expected: expectedImage(sources, options) }
}

/** The trees with one entry of `@` changed, or left out. */
export function withChange(
  trees: ExpectedTrees,
  path: string,
  change: Partial<ExpectedEntry> | 'gone',
): ExpectedTrees {
  const entries = trees.get('@')!
  if (!entries.some((entry) => entry.path === path)) throw new Error(`no ${path} in the sample`)
  const changed = entries.flatMap((entry) =>
    entry.path !== path ? [entry] : change === 'gone' ? [] : [{ ...entry, ...change }],
  )
  return new Map([...trees, ['@', changed]])
}
