/** Outside tools count the same as an inspection does. */
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BtrfsUsage, FatUsage, ImageReport, StoredByKind } from '../../src/image/public-types.ts'
import { inspectImage } from '../../src/image/inspect.ts'
import type { InspectOptions } from '../../src/image/inspect-disk.ts'
import { loadHash } from '../../src/lib/load-hash.ts'
import { openImage } from '../../src/image/open-image.ts'
import { build, type BtrfsOptions, describeImage, inFolder, noise, text } from '../images/build.ts'
import { buildSample } from '../images/sample.ts'
import {
  canCompsize,
  compsize,
  dumpSuper,
  exclusiveBytes,
  filesystemUsage,
  subvolumeList,
} from '../judges/btrfs-usage.ts'
import { flipByte } from '../images/flip-byte.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import type { Partition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'

const canMount = canJudgeWithKernel() && canCompsize()
const hasFat = requireJudge('mkfs.fat') && requireJudge('fsck.fat') && requireJudge('mcopy')
const hasSfdisk = requireJudge('sfdisk')

async function inspect(path: string, options?: InspectOptions): Promise<ImageReport> {
  const image = await openImage(path)
  try {
    return await inspectImage(image, options)
  } finally {
    await image.close()
  }
}

async function btrfsOf(path: string): Promise<BtrfsUsage> {
  const { partitions, findings } = await inspect(path)
  expect(findings).toEqual([])
  return partitions.find(({ content }) => content === 'btrfs')!.fileSystem as BtrfsUsage
}

/** What compsize counts: extents and inline content together, by kind. */
function totalOf(extents: StoredByKind, inline: { storedBytes: number; contentBytes: number }) {
  const all = [...Object.values(extents), inline]
  return {
    storedBytes: all.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    contentBytes: all.reduce((sum, { contentBytes }) => sum + contentBytes, 0),
  }
}

/** Has the kernel mount it, and compares everything with what the tools say. */
async function judge(image: string, partition: Partition, usage: BtrfsUsage, folder: string): Promise<void> {
  await withLoop(image, partition, true, async (device) => {
    const superblock = await dumpSuper(device)
    expect(usage).toMatchObject({
      generation: superblock.generation,
      uuid: superblock.fsid,
      label: superblock.label,
      checksum: superblock.checksum,
    })
    const { incompat, compatRo, compat } = usage.features
    expect(new Set([...incompat, ...compatRo, ...compat])).toEqual(superblock.features)

    await withMount(device, 'ro,subvolid=5', folder, async (top) => {
      const { deviceSize, allocated, groups } = await filesystemUsage(top)
      expect(usage.devices).toMatchObject([{ totalBytes: deviceSize, allocatedBytes: allocated }])
      expect(groupsOf(usage)).toEqual(groups)
      // What is found in the trees is what the block groups say: nothing is missing, nothing counted twice.
      expect(sumOf(groups, ({ used }) => used)).toBe(usage.usedBytes)
      const { extents, metadataBytes } = usage.totals
      expect(totalOf(extents, NOTHING).storedBytes + metadataBytes).toBe(usage.usedBytes)

      const listed = await subvolumeList(top)
      expect(
        usage.subvolumes.slice(1).map(({ id, generation, parent, path, uuid, parentUuid }) => ({
          id,
          generation,
          parent,
          path,
          uuid,
          parentUuid,
        })),
      ).toEqual(listed)
      const { stdout: defaultLine } = await mustRun('btrfs', ['subvolume', 'get-default', top])
      expect(Number(/^ID (\d+)/.exec(defaultLine)![1])).toBe(usage.defaultSubvolume)
      for (const subvolume of usage.subvolumes) await judgeSubvolume(join(top, subvolume.path), subvolume)
    })
  })
}

const NOTHING = { storedBytes: 0, contentBytes: 0 }
type SubvolumeUsage = BtrfsUsage['subvolumes'][number]

async function judgeSubvolume(folder: string, subvolume: SubvolumeUsage): Promise<void> {
  const { extents, inline, files, apparentBytes, exclusiveBytes: exclusive, path } = subvolume
  const find = async (...args: string[]) => {
    const { stdout } = await mustRun('find', [folder, '-xdev', ...args])
    return stdout.split('\n').filter((line) => line !== '')
  }
  const sizes = new Map(
    (await find('-type', 'f', '-printf', '%i %s\n')).map((line) => line.split(' ') as [string, string]),
  )
  expect({ path, files }).toEqual({ path, files: sizes.size })
  expect({ path, apparentBytes }).toEqual({ path, apparentBytes: sumOf(sizes, (size) => Number(size)) })
  if (files === 0) return
  const found = await compsize(folder)
  if (found.size === 0) expect(totalOf(extents, inline)).toEqual(NOTHING)
  else expect(totalOf(extents, inline)).toMatchObject(withoutReferenced(found.get('TOTAL')!))
  // compsize counts inline content with what is compressed as it is.
  for (const [kind, name] of [
    ['zlib', 'zlib'],
    ['lzo', 'lzo'],
    ['zstd', 'zstd'],
    ['none', 'none'],
    ['preallocated', 'prealloc'],
  ] as const) {
    const own = extents[kind] ?? NOTHING
    const theirs = found.get(name) ?? NOTHING
    if (inline.files === 0)
      expect({ path, kind, stored: own.storedBytes }).toEqual({ path, kind, stored: theirs.storedBytes })
    else expect(own.storedBytes).toBeLessThanOrEqual(theirs.storedBytes)
  }
  const nested = (await find('-mindepth', '1', '-inum', '256')).length > 0
  const isCompressed = Object.keys(extents).some((kind) => kind !== 'none')
  // du counts bytes of content, and goes into what is mounted or nested below.
  if (!nested && !isCompressed && inline.files === 0) expect(exclusive).toBe(await exclusiveBytes(folder))
}

function withoutReferenced({ storedBytes, contentBytes }: { storedBytes: number; contentBytes: number }) {
  return { storedBytes, contentBytes }
}

function sumOf<T>(map: ReadonlyMap<string, T>, of: (value: T) => number): number {
  return [...map.values()].reduce((sum, value) => sum + of(value), 0)
}

/** Block groups as `btrfs filesystem usage` has them. */
function groupsOf({ chunks }: BtrfsUsage) {
  const names = { data: 'Data', metadata: 'Metadata', system: 'System', 'data and metadata': 'Data+Metadata' }
  const groups = new Map<string, { size: number; used: number }>()
  for (const { type, profile, length, usedBytes } of chunks) {
    const name = `${names[type]},${profile === 'single' ? profile : profile.toUpperCase()}`
    const group = groups.get(name) ?? { size: 0, used: 0 }
    groups.set(name, { size: group.size + length, used: group.used + usedBytes! })
  }
  return groups
}

/** One digit for each cell, of all kinds together: they must not be fuller than full. */
function expectSoundOccupancy({ chunks, nodeSize }: BtrfsUsage): void {
  for (const { occupancy, length, usedBytes, type } of chunks) {
    const cells = Math.ceil(length / occupancy.cellBytes)
    const kinds = Object.values(occupancy.use)
    for (const digits of kinds) expect(digits).toMatch(new RegExp(`^[0-9]{${cells}}$`))
    const isUsed = kinds.some((digits) => /[1-9]/.test(digits))
    if (usedBytes! >= nodeSize) expect({ type, isUsed }).toEqual({ type, isUsed: true })
  }
}

const entries: TarInput[] = [
  { path: 'noise', type: 'file', content: noise(700_000) },
  { path: 'again', type: 'file', content: noise(700_000) },
  { path: 'text', type: 'file', content: text(900_001) },
  { path: 'small', type: 'file', content: 'small\n' },
  { path: 'd/link', type: 'hardlink', target: 'text' },
  { path: 'd/symlink', type: 'symlink', target: '/noise' },
  { path: 'sub/other', type: 'file', content: text(400_000, 2) },
  { path: 'sub/shared', type: 'file', content: noise(700_000) },
  { path: 'nocow/f', type: 'file', content: text(300_000, 3) },
]
const subvolumes: BtrfsOptions['subvolumes'] = [
  { name: '@', path: '/' },
  { name: '@sub', path: '/sub', compression: 'zlib' },
  { name: '@nocow', path: '/nocow', nodatacow: true },
  { name: '@snap', snapshotOf: '@', readOnly: true },
]

describe.skipIf(!canMount)('the kernel and its tools agree', () => {
  test.each<[string, BtrfsOptions]>([
    ['zstd', { compression: 'zstd', subvolumes }],
    ['no compression, small nodes', { compression: 'none', nodeSize: 4096, subvolumes }],
    ['lzo, mixed groups, sha256', { compression: 'lzo', mixed: true, nodeSize: 4096, checksum: 'sha256' }],
    [
      'zlib, dup, block group tree',
      { compression: 'zlib', profiles: { data: 'dup' }, blockGroupTree: true, subvolumes },
    ],
  ])('on an image built here: %s', async (_, options) => {
    await inFolder(async (folder) => {
      const { image, btrfs } = await build(folder, describeImage(folder, [{ entries }], options))
      const usage = await btrfsOf(image)
      expectSoundOccupancy(usage)
      await judge(image, btrfs, usage, folder)
    })
  })

  test('on a file system that the kernel made', async () => {
    await inFolder(async (folder) => {
      const image = join(folder, 'kernel.img')
      const size = 300 * 2 ** 20
      writeFileSync(image, '')
      truncateSync(image, size)
      await mustRun('mkfs.btrfs', ['-q', '-L', 'kernel', image])
      writeFileSync(join(folder, 'noise'), noise(3_000_000))
      writeFileSync(join(folder, 'text'), text(2_000_000))
      await withLoop(image, { start: 0, size }, false, (device) =>
        withMount(device, 'compress-force=zstd', folder, async (top) => {
          await mustRun('bash', ['-euc', MAKE_FILES, 'bash', folder], { env: { TOP: top } })
        }),
      )
      const usage = await btrfsOf(image)
      expectSoundOccupancy(usage)
      const [, a, nested, plain, snapshot] = usage.subvolumes
      expect(nested).toMatchObject({
        path: 'a/nested',
        exclusiveBytes: 0,
      })
      expect(nested.extents.zstd).toBeDefined()
      expect(plain).toMatchObject({ path: 'plain', sharedBytes: 0 })
      expect(snapshot).toMatchObject({ path: 'snap', readOnly: true, exclusiveBytes: 0 })
      // Ten sectors of it were written anew since the snapshot, and one was appended.
      expect(a.exclusiveBytes).toBe(11 * 4096)
      await judge(image, { start: 0, size }, usage, folder)
    })
  })
})

const MAKE_FILES = `
cd "$TOP"
btrfs -q subvolume create a
btrfs -q subvolume create a/nested
btrfs -q subvolume create plain
cp "$1/noise" "$1/text" a
cp --reflink=always a/text a/text2
cp --reflink=always a/text a/nested/text
mkdir b nocow
chattr +C nocow plain
cp "$1/text" nocow
cp "$1/noise" plain
for i in $(seq 50); do echo $i > b/small$i; done
fallocate -l 2M b/preallocated
truncate -s 10M b/sparse
sync
btrfs -q subvolume snapshot -r a snap
dd if="$1/noise" of=a/noise bs=4096 count=10 seek=5 conv=notrunc status=none
dd if="$1/noise" of=a/text bs=100 count=1 oflag=append conv=notrunc status=none
sync
btrfs subvolume set-default 256 .
`

describe('a report', () => {
  test('adds up, and is the same from a compressed image', async () => {
    await inFolder(async (folder) => {
      const { image } = await buildSample(folder)
      const report = await inspect(image)
      const usage = report.partitions[0].fileSystem as BtrfsUsage
      const { directories, totals } = usage
      expect(directories).toMatchObject({
        files: totals.files,
        apparentBytes: totals.apparentBytes,
        storedBytes: totals.storedBytes,
      })
      expect(usage.largestFiles[0].path).toBe('/@boot/Image')
      expect(directories.children!.map(({ name, subvolume }) => [name, subvolume])).toEqual([
        ['@', 256],
        ['@boot', 257],
      ])
      expect(usage.subvolumes.find(({ path }) => path === '@boot')!.nodatacowBytes).toBe(102_400)
      expect(JSON.parse(JSON.stringify(report))).toMatchObject({ size: report.size })

      await mustRun('zstd', ['-q', image, '-o', `${image}.zst`])
      const { compression, ...same } = await inspect(`${image}.zst`)
      expect(compression).toMatchObject({ format: 'zstd', frames: 1 })
      expect({ ...same, compression: undefined }).toEqual(report)
    })
  })

  test('can do without the file systems', async () => {
    await inFolder(async (folder) => {
      const { image } = await buildSample(folder)
      const { partitions } = await inspect(image, { usage: false })
      expect(partitions).toMatchObject([{ content: 'btrfs', fileSystem: undefined }])
    })
  })

  test('ends when its signal says so', async () => {
    await inFolder(async (folder) => {
      const { image } = await buildSample(folder)
      const controller = new AbortController()
      const onStep = () => controller.abort(new Error('enough'))
      await expect(inspect(image, { signal: controller.signal, onStep })).rejects.toThrow('enough')
    })
  })

  test.skipIf(!hasSfdisk)('has the gaps of a GPT, and the names of its types', async () => {
    await inFolder(async (folder) => {
      const image = join(folder, 'gpt.img')
      writeFileSync(image, '')
      truncateSync(image, 64 * 2 ** 20)
      const input = 'label: gpt\nstart=4096, size=8192, type=U, name="boot"\nstart=20480, size=2048, type=L\n'
      await mustRun('sfdisk', ['-q', image], { input })
      const { table, partitions, gaps } = await inspect(image)
      expect(table).toMatchObject({ type: 'gpt', sectorSize: 512, usesBackup: false })
      expect(partitions).toMatchObject([
        { number: 1, typeName: 'EFI system', name: 'boot', fileSystem: undefined },
        { number: 2, typeName: 'Linux', name: '' },
      ])
      expect(gaps.map(({ start, size }) => [start / 512, size / 512])).toEqual([
        [0, 4096],
        [12288, 8192],
        [22528, 131072 - 22528],
      ])
      flipByte(image, 512 + 8)
      const damaged = await inspect(image)
      expect(damaged.table).toMatchObject({ type: 'gpt', usesBackup: true })
      expect(damaged.partitions).toEqual(partitions)
      expect(damaged.findings).toHaveLength(1)
    })
  })
})

describe('damage', () => {
  test('of the first superblock is a finding, and the mirror tells the rest', async () => {
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [{ entries }], { size: '200MiB' })
      const { image, btrfs } = await build(folder, spec)
      const sound = await btrfsOf(image)
      flipByte(image, btrfs.start + 65536 + 200)
      const report = await inspect(image)
      const usage = report.partitions[0].fileSystem as BtrfsUsage
      expect(usage.superblocks).toEqual([
        { offset: 65536, state: 'damaged', generation: undefined },
        { offset: 64 * 2 ** 20, state: 'sound', generation: 1 },
      ])
      expect({ ...usage, superblocks: [] }).toEqual({ ...sound, superblocks: [] })
    })
  })

  test('of a leaf leaves out what was in it', async () => {
    await inFolder(async (folder) => {
      const many = Array.from({ length: 400 }, (_, i): TarInput => ({
        path: `f${i}`,
        type: 'file',
        content: `${i}`,
      }))
      const options: BtrfsOptions = { nodeSize: 4096, profiles: { metadata: 'single', system: 'single' } }
      const { image, btrfs } = await build(folder, describeImage(folder, [{ entries: many }], options))
      const sound = await btrfsOf(image)
      // The top level's tree has many leaves; some leaf lies in the middle of the metadata.
      const metadata = sound.chunks.find(({ type }) => type === 'metadata')!
      flipByte(image, btrfs.start + metadata.stripes[0].offset + 20 * 4096 + 2000)
      const report = await inspect(image)
      const usage = report.partitions[0].fileSystem as BtrfsUsage
      expect(report.findings.length).toBeGreaterThan(0)
      expect(usage.totals.files).toBeLessThan(sound.totals.files)
      expect(usage.totals.files).toBeGreaterThan(sound.totals.files / 2)
    })
  })

  test('of any kind ends in a report', async () => {
    await inFolder(async (folder) => {
      const { image, btrfs } = await buildSample(folder)
      const metadata = (await btrfsOf(image)).chunks.filter(({ type }) => type !== 'data')
      const places = metadata.flatMap(({ stripes, length }) =>
        stripes.map(({ offset }) => ({ offset, length })),
      )
      const random = noise(4000, 7)
      const file = openSync(image, 'r+')
      try {
        for (let i = 0; i < 40; i++) {
          const { offset, length } = places[i % places.length]
          const within = ((random[4 * i] << 8) | random[4 * i + 1]) % Math.min(length, 2 ** 17)
          writeSync(file, random, 4 * i, 4, btrfs.start + offset + within)
          const report = await inspect(image)
          expect(report.partitions).toHaveLength(1)
        }
      } finally {
        closeSync(file)
      }
    })
  })
})

test('damage under checksums that are right ends in a report, too', async () => {
  await inFolder(async (folder) => {
    const options: BtrfsOptions = {
      nodeSize: 4096,
      profiles: { metadata: 'single', system: 'single' },
      subvolumes,
    }
    const { image, btrfs } = await build(folder, describeImage(folder, [{ entries }], options))
    const { chunks, usedBytes } = await btrfsOf(image)
    const blocks = chunks
      .filter(({ type }) => type !== 'data')
      .flatMap(({ stripes, length }) =>
        Array.from({ length: length / 4096 }, (_, i) => btrfs.start + stripes[0].offset + i * 4096),
      )
    const sound = readFileSync(image)
    const used = blocks.filter((at) => sound.readUInt32LE(at + 96) > 0)
    expect(used.length).toBeGreaterThan(10)
    const hash = await loadHash('crc32c')
    const inMemory = await openImage(sound)
    expect((await inspectImage(inMemory)).findings).toEqual([])
    const random = noise(100_000, 11)
    let [at, found] = [0, 0]
    for (let i = 0; i < 120; i++) {
      const start = used[i % used.length]
      const block = sound.subarray(start, start + 4096)
      const before = Buffer.from(block)
      // The header behind the checksum and the ids, and the first items, are what the rest depends on.
      for (let n = 0; n < 3; n++) {
        const within = random[at++] % 3 === 0 ? 80 + (random[at++] % 21) : 101 + ((random[at++] * 16) % 3995)
        block[within] = random[at++]
      }
      hash.hashBlocks(block.subarray(32), 4064, block)
      const report = await inspectImage(await openImage(sound))
      if (report.findings.length > 0) found++
      const usage = report.partitions[0].fileSystem as BtrfsUsage | undefined
      if (usage !== undefined) expect(usage.usedBytes).toBe(usedBytes)
      before.copy(block)
    }
    expect(found).toBeGreaterThan(20)
  })
})

describe.skipIf(!hasFat)('fsck.fat counts the same', () => {
  test.each([
    ['fat12', 12, 4 * 2 ** 20],
    ['fat16', 16, 40 * 2 ** 20],
    ['fat32', 32, 80 * 2 ** 20],
  ])('on %s', async (type, bits, size) => {
    await inFolder(async (folder) => {
      const image = join(folder, 'fat.img')
      writeFileSync(image, '')
      truncateSync(image, size)
      await mustRun('mkfs.fat', ['-F', String(bits), '-n', 'VOLUME', '-i', '1234abcd', image])
      writeFileSync(join(folder, 'a'), noise(300_000))
      await mustRun('mmd', ['-i', image, '::d', '::d/e'])
      await mustRun('mcopy', ['-i', image, join(folder, 'a'), '::a'])
      await mustRun('mcopy', ['-i', image, join(folder, 'a'), '::d/e/A long name.bin'])
      const { partitions, findings } = await inspect(image)
      const usage = partitions[0].fileSystem as FatUsage
      const { stdout } = await mustRun('fsck.fat', ['-n', '-v', image])
      const [, files, used, clusters] = /: (\d+) files, (\d+)\/(\d+) clusters/.exec(stdout)!.map(Number)
      const dataStart = Number(/Data area starts at byte (\d+)/.exec(stdout)![1])
      expect(findings).toEqual([])
      expect(usage).toMatchObject({
        type,
        label: 'VOLUME',
        volumeId: '1234-ABCD',
        clusters,
        usedClusters: used,
        freeClusters: clusters - used,
        badClusters: 0,
        files: 2,
        directoryCount: 2,
        apparentBytes: 600_000,
      })
      // It counts the directories, too, and the label.
      expect(files).toBe(2 + 2 + 1)
      expect(usage.areas.at(-1)).toMatchObject({ kind: 'data', start: dataStart })
      expect(usage.areas.filter(({ kind }) => kind === 'root directory')).toHaveLength(bits === 32 ? 0 : 1)
      expect(usage.largestFiles.map(({ path }) => path).sort()).toEqual(['/a', '/d/e/A long name.bin'])
    })
  })
})
