/**
 * What boot loaders read of our images: U-Boot, of now and of years ago, and GRUB. Every file of a set is loaded and its
 * content compared; that a boot loader is content proves nothing.
 */
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { BOUNDARY_SIZES, boundaryFiles, halfNoise } from '../../fixtures/boot/boundary-files.mjs'
import { build, describeImage, inFolder, type BtrfsOptions } from '../images/build.ts'
import { expectedImage } from '../images/expected-image.ts'
import { canJudgeWithGrub, judgeWithGrub } from '../judges/grub.ts'
import { canAskUboot, ubootList, ubootLoad, type UbootName } from '../judges/uboot-sandbox.ts'
import type { TarInput } from '../tar/build-tar.ts'

const UBOOTS = (['new', 'old'] as const).filter(canAskUboot)
const hasGrub = canJudgeWithGrub()

/** Its last extent is large enough to be compressed. */
const KERNEL_SIZE = 9 * 2 ** 20 + 41_234
const kernel = halfNoise(KERNEL_SIZE, 1000)
const MANY = 1500

const words = (length: number) =>
  Array.from({ length: length / 20 + 1 }, (_, i) => `line ${i * i} of a text\n`)
    .join('')
    .slice(0, length)

const FILES = [
  ...boundaryFiles(),
  { name: 'Image', content: kernel },
  // Text compresses so well that a sector holds many.
  { name: 'text', content: Buffer.from(words(300_001)) },
  { name: 'one-line', content: Buffer.alloc(300_001, 'the same line over and over\n') },
  { name: 'noise', content: Buffer.from(halfNoise(1 << 20, 7).filter((_, i) => (i & 64) === 0)) },
]

const entries: TarInput[] = [
  ...FILES.map(({ name, content }): TarInput => ({ path: `boot/${name}`, type: 'file', content })),
  { path: 'boot/relative', type: 'symlink', target: 'Image' },
  { path: 'boot/through', type: 'symlink', target: './deep/../relative' },
  { path: 'boot/folder', type: 'symlink', target: 'deep/er' },
  { path: 'boot/deep/er/est/file', type: 'file', content: 'found\n' },
  ...Array.from({ length: MANY }, (_, i): TarInput => ({
    path: `boot/many/entry-number-${i}`,
    type: 'file',
    content: `${i}\n`,
  })),
]
const sources = [{ entries }]

/** Path in @boot, and the content that must come out. */
const WANTED = new Map<string, Uint8Array>([
  ...FILES.map(({ name, content }): [string, Uint8Array] => [name, content]),
  ['relative', kernel],
  ['through', kernel],
  ['folder/est/file', Buffer.from('found\n')],
  [`many/entry-number-${MANY - 1}`, Buffer.from(`${MANY - 1}\n`)],
])

const layout = (boot: Partial<NonNullable<BtrfsOptions['subvolumes']>[number]>): BtrfsOptions => ({
  subvolumes: [
    { name: '@', path: '/' },
    { name: '@boot', path: '/boot', ...boot },
  ],
  links: { boot: '@boot' },
})

/** How @boot is stored, each as its user would ask for it. */
const IMAGES: Record<string, BtrfsOptions> = {
  nodatacow: layout({ nodatacow: true }),
  plain: layout({}),
  'zstd:1, tail split': layout({ compression: 'zstd:1', bootFiles: true }),
  'zstd:3, tail split': layout({ compression: 'zstd:3', bootFiles: true }),
  'zstd:15, tail split': layout({ compression: 'zstd:15', bootFiles: true }),
  'lzo, tail split': layout({ compression: 'lzo', bootFiles: true }),
  'zlib:1, tail split': layout({ compression: 'zlib:1', bootFiles: true }),
  'zlib:9, tail split': layout({ compression: 'zlib:9', bootFiles: true }),
  'xxhash64, node size 4096, tail split': {
    ...layout({ compression: 'zstd:3', bootFiles: true }),
    checksum: 'xxhash64',
    nodeSize: 4096,
  },
  'sha256, node size 65536, tail split': {
    ...layout({ compression: 'zstd:3', bootFiles: true }),
    checksum: 'sha256',
    nodeSize: 65536,
  },
  'blake2b, node size 8192, single, block group tree': {
    ...layout({ compression: 'lzo', bootFiles: true }),
    checksum: 'blake2b',
    nodeSize: 8192,
    profiles: { system: 'single', metadata: 'single' },
    blockGroupTree: true,
  },
  'mixed block groups, node size 4096': {
    ...layout({ nodatacow: true }),
    mixed: true,
    nodeSize: 4096,
    profiles: { metadata: 'single', data: 'single' },
  },
  'node size 32768, compressed inline files, tail split': {
    ...layout({ compression: 'zstd:3', bootFiles: true }),
    nodeSize: 32768,
    inlineCompression: true,
  },
}

/** What the old U-Boot gets wrong. */
const COMPRESSED: Record<string, BtrfsOptions> = {
  zstd: layout({ compression: 'zstd:3' }),
  lzo: layout({ compression: 'lzo' }),
  zlib: layout({ compression: 'zlib:9' }),
}
/** What it refuses to read. */
const DUP_DATA: Record<string, BtrfsOptions> = {
  'data dup': { ...layout({ nodatacow: true }), profiles: { data: 'dup' } },
  'data dup, zstd, tail split': {
    ...layout({ compression: 'zstd:3', bootFiles: true }),
    profiles: { data: 'dup' },
  },
  'mixed block groups, data dup': { ...layout({ nodatacow: true }), mixed: true, nodeSize: 4096 },
}

/** The files that U-Boot does not have as they are, with what it has or says. */
async function differences(name: UbootName, image: string): Promise<[string, string][]> {
  const paths = [...WANTED.keys()].map((path) => `/@boot/${path}`)
  const loaded = await ubootLoad(name, image, 1, paths)
  return [...WANTED].flatMap(([path, content]): [string, string][] => {
    const found = loaded.get(`/@boot/${path}`)!
    if ('error' in found) return [[path, found.error]]
    const isEqual = found.size === content.length && found.crc32 === crc32(content)
    return isEqual ? [] : [[path, `${found.size} bytes, CRC ${found.crc32.toString(16)}`]]
  })
}

async function expectListings(name: UbootName, image: string): Promise<void> {
  const top = await ubootList(name, image, 1, '/')
  expect(top.sort()).toEqual(['@/', '@boot/', 'boot -> @boot'])
  // The link, and a directory of more than one leaf.
  const many = await ubootList(name, image, 1, '/boot/many')
  expect(many.length).toBe(MANY)
  expect(new Set(many).has(`entry-number-${MANY - 1}`)).toBe(true)
}

const inImage = (options: BtrfsOptions, work: (image: string) => Promise<void>) =>
  inFolder(async (folder) => work((await build(folder, describeImage(folder, sources, options))).image))

describe.each(Object.entries({ ...IMAGES, ...COMPRESSED, ...DUP_DATA }))('%s', (kind, options) => {
  test.skipIf(UBOOTS.length === 0)('every file is read as it is, where that can be', () =>
    inImage(options, async (image) => {
      for (const name of UBOOTS) {
        const isOld = name === 'old'
        const wrong = await differences(name, image)
        if (isOld && kind in COMPRESSED) expectCorruptTails(wrong.map(([path]) => path))
        else if (isOld && kind in DUP_DATA) expectRefusals(wrong)
        else expect(wrong, `U-Boot ${name}`).toEqual([])
        await expectListings(name, image)
      }
      if (hasGrub) {
        const { unread } = await judgeWithGrub(image, '(loop0,msdos1)', expectedImage(sources, options))
        expect(unread).toEqual([])
      }
    }),
  )
})

const SECTOR = 4096
const EXTENT = 128 * 1024

/**
 * Until v2023.07, U-Boot had the last sector wrong of what is compressed when it is a partial one. What is right: files
 * of whole sectors, inline ones, and those whose last extent is so short that it was not compressed.
 */
function expectCorruptTails(wrong: readonly string[]): void {
  expect(wrong).toContain('Image')
  expect(wrong).toContain('text')
  expect(wrong.length).toBeGreaterThan(8)
  const sizes = wrong.map((path) => WANTED.get(path)!.length)
  for (const size of sizes) {
    expect(size % SECTOR).not.toBe(0)
    expect(size % EXTENT).toBeGreaterThan(SECTOR)
  }
  const whole = BOUNDARY_SIZES.filter((size) => size % SECTOR === 0)
  expect(whole.filter((size) => wrong.includes(`size-${size}`))).toEqual([])
}

/** Until v2023.04, U-Boot refused to read more than a stripe of 64 KiB at once when there are two copies. */
function expectRefusals(wrong: readonly [string, string][]): void {
  expect(wrong.map(([path]) => path)).toContain('Image')
  for (const [path, said] of wrong) expect(said, path).toContain('An error occurred while reading file')
}
