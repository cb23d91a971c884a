/** Files that old boot loaders read, too: no holes, and the last partial sector of compressed ones in plain extents. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { noise, text, type BtrfsOptions, type Built } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const SIZES = [
  ...[1, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 12 * KIB + 1],
  ...[128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 132 * KIB, 132 * KIB + 5, 256 * KIB - 1, 256 * KIB + 4097],
]
const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
const half = (size: number) => Buffer.concat([noise(size >> 1, size), text(size - (size >> 1), size)])

const contents = (folder: string): TarInput[] =>
  SIZES.flatMap((size) => [
    file(`${folder}/text-${size}`, text(size, size)),
    file(`${folder}/noise-${size}`, noise(size, size)),
    file(`${folder}/half-${size}`, half(size)),
    file(`${folder}/zeros-${size}`, new Uint8Array(size)),
  ])

interface FileExtent {
  at: number
  length: number
  compression: string
  kind: string
}

/** The extents of all files of a subvolume, by the inode, as btrfs-progs show them. */
async function extentsOf({ folder, image, btrfs }: Built, subvolume: number) {
  const partition = join(folder, 'partition')
  await extractPartition(image, btrfs, partition)
  const dump = await mustRun('btrfs', ['inspect-internal', 'dump-tree', '-t', String(subvolume), partition])
  const sizes = new Map<string, number>()
  const extents = new Map<string, FileExtent[]>()
  for (const [, ino, text] of dump.stdout.matchAll(
    /key \((\d+) INODE_ITEM 0\) itemoff(.*?)(?=\titem |$)/gs,
  )) {
    if (/mode 100/.test(text)) sizes.set(ino, Number(/ size (\d+)/.exec(text)![1]))
  }
  for (const [, ino, at, text] of dump.stdout.matchAll(
    /key \((\d+) EXTENT_DATA (\d+)\) itemoff(.*?)(?=\titem |$)/gs,
  )) {
    const [, kind] = /type \d \((\w+)\)/.exec(text)!
    const [, compression] = /compression \d \((\w+)\)/.exec(text)!
    const length = Number(/data offset \d+ nr (\d+)/.exec(text)?.[1] ?? 0)
    extents.set(ino, [...(extents.get(ino) ?? []), { at: Number(at), length, compression, kind }])
  }
  return [...sizes].map(([ino, size]) => ({ size, extents: extents.get(ino) ?? [] }))
}

/** What an old U-Boot stumbles over. */
function offences({ size, extents }: { size: number; extents: FileExtent[] }): string[] {
  if (extents.some(({ kind }) => kind === 'inline')) return extents.length === 1 ? [] : ['inline and more']
  const found: string[] = []
  let end = 0
  for (const { at, length, compression, kind } of extents) {
    if (at !== end) found.push(`a hole at ${end}`)
    if (kind !== 'regular') found.push(`${kind} at ${at}`)
    end = at + length
    if (compression !== 'none' && end > size) found.push(`a compressed end of ${size} bytes`)
  }
  if (end < size) found.push(`a hole at ${end}`)
  return found
}

const canInspect = requireJudge('btrfs')

describe('boot files', () => {
  test.each<[string, BtrfsOptions]>([
    ['none', {}],
    ['nodatacow', {}],
    ['lzo', {}],
    ['zlib:9', { inlineCompression: true }],
    ['zstd', { inlineCompression: true, nodeSize: 4096 }],
    ['zstd:15', { dedupe: false, profiles: { data: 'dup' } }],
  ])('%s %o', async (kind, options) => {
    const storage = kind === 'nodatacow' ? { nodatacow: true } : { compression: kind }
    const subvolumes = [{ name: '@boot', path: '/boot', bootFiles: true, ...storage }]
    const entries = [...contents('boot'), ...contents('boot/again'), ...contents('other')]
    const sparse: TarInput = {
      ...file('boot/sparse', noise(9000)),
      sparse: '1.0',
      sparseMap: {
        size: 500_001,
        map: [
          [8192, 4000],
          [300_000, 5000],
        ],
      },
    } as TarInput
    await buildAndJudge(
      [...entries, sparse],
      { ...options, subvolumes },
      { exercise: kind === 'zstd' || kind === 'nodatacow', readers: true },
      async (built) => {
        if (!canInspect) return
        const files = await extentsOf(built, 256)
        expect(files.length).toBe(2 * 4 * SIZES.length + 1)
        expect(files.flatMap((found) => offences(found))).toEqual([])
        const compressed = files.filter(({ extents }) => extents.some((each) => each.compression !== 'none'))
        expect(compressed.length > 20).toBe(kind !== 'none' && kind !== 'nodatacow')
      },
    )
  })

  test('without the option there are holes and compressed ends', async () => {
    await buildAndJudge(contents('boot'), { compression: 'zstd' }, {}, async (built) => {
      if (!canInspect) return
      const found = (await extentsOf(built, 5)).flatMap((each) => offences(each))
      expect(found).toContain('a hole at 0')
      expect(found).toContain(`a compressed end of ${132 * KIB + 5} bytes`)
    })
  })

  test('that are equal share their extents; those with another end do not', async () => {
    const sizes = [132 * KIB + 5, 128 * KIB + 4097, 700 * KIB + 1, 4097]
    const others = (content: Uint8Array) =>
      content.map((byte, i) => (i === content.length - 1 ? byte ^ 1 : byte))
    const all = sizes.flatMap((size) => [noise(size, size), text(size, size), half(size)])
    const entries = all.flatMap((content, i) => [
      file(`${i}/one`, content),
      file(`${i}/same`, content),
      file(`${i}/other`, others(content)),
      file(`${i}/other-again`, others(content)),
    ])
    for (const compression of ['zstd', 'none']) {
      await buildAndJudge(entries, { compression, bootFiles: true }, { exercise: true }, async (built) => {
        expect(built.btrfs.bytesStored).toBeLessThan(0.6 * built.btrfs.bytesIn)
        if (!canInspect) return
        expect((await extentsOf(built, 5)).flatMap((each) => offences(each))).toEqual([])
      })
    }
  })

  test('are written anew where a hard link would lead to what boot loaders cannot read', async () => {
    const size = 300 * KIB + 7
    const entries: TarInput[] = [
      file('store/text', text(size)),
      file('store/zeros', new Uint8Array(size)),
      { path: 'boot/text', type: 'hardlink', target: 'store/text' },
      { path: 'boot/zeros', type: 'hardlink', target: 'store/zeros' },
      { path: 'more/text', type: 'hardlink', target: 'boot/text' },
    ]
    for (const storage of [{ compression: 'zlib' }, { compression: 'none' }, { nodatacow: true }]) {
      const subvolumes = [
        { name: '@boot', path: '/boot', bootFiles: true, ...storage },
        { name: '@more', path: '/more', bootFiles: true, ...storage },
      ]
      await buildAndJudge(entries, { compression: 'zstd', subvolumes }, {}, async (built) => {
        if (!canInspect) return
        for (const subvolume of [256, 257]) {
          const files = await extentsOf(built, subvolume)
          expect(files.flatMap((each) => offences(each))).toEqual([])
          const kinds = new Set(files.flatMap(({ extents }) => extents.map((each) => each.compression)))
          expect(kinds).toEqual(new Set(storage.compression === 'zlib' ? ['none', 'zlib'] : ['none']))
        }
      })
    }
  })

  test('may be single paths, and patterns', async () => {
    const paths = [
      { path: '/boot', bootFiles: true },
      { glob: '/**/*.img', bootFiles: true },
      { path: '/boot/not', bootFiles: false },
    ]
    const entries = ['boot/a', 'x/y.img', 'boot/not/b', 'x/z'].map((path) => file(path, text(300_001)))
    await buildAndJudge(entries, { compression: 'zstd', dedupe: false, paths }, {}, async (built) => {
      if (!canInspect) return
      const found = (await extentsOf(built, 5)).map((each) => offences(each).length)
      expect(found.sort()).toEqual([0, 0, 1, 1])
    })
  })
})
