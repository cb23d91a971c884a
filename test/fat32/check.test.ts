import { describe, expect, it } from 'vitest'
import { checkFat32 } from '../../src/fat32/check.ts'
import { BootSector, DirEntry, FsInfo, LongNameEntry } from '../../src/fat32/format.ts'
import { clusterOffset, fatOffset } from '../../src/fat32/geometry.ts'
import type { Fat32Layout } from '../../src/fat32/plan.ts'
import { readFat32 } from '../../src/fat32/read.ts'
import { CorruptError } from '../../src/lib/errors.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import type { SparseImage } from '../judges/sparse-image.ts'
import { withImage } from '../judges/sparse-image.ts'
import { collect, file, MIB, planOf, readerOf, request, utf8, withVolume } from './volume.ts'

const hasFsck = requireJudge('fsck.fat')
const hasMkfs = requireJudge('mkfs.fat')
const hasMtools = requireJudge('mcopy')

const entries = [
  file('ONE', 'x'.repeat(2000)),
  file('DIR/two.txt', 'y'.repeat(600)),
  file('a long name', 'z'),
]
const layout = await planOf(request(entries))

/** An image with something changed in it, and where things are. */
class Damage {
  readonly layout: Fat32Layout = layout
  readonly image: SparseImage

  constructor(image: SparseImage) {
    this.image = image
  }

  set(offset: number, ...bytes: number[]) {
    this.image.write(Uint8Array.from(bytes), offset)
  }

  /** Sets an entry of both FATs. */
  fat(cluster: number, value: number, copies = [0, 1]) {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, value, true)
    for (const copy of copies) this.image.write(bytes, fatOffset(this.layout.geometry, copy) + cluster * 4)
  }

  /** Offset of a record in the directory whose cluster is given. */
  record(cluster: number, index: number, field: keyof DirEntry) {
    return clusterOffset(this.layout.geometry, cluster) + index * DirEntry.size + DirEntry.offsetOf(field)
  }

  first(path: string) {
    const { directories, files } = this.layout
    return [...directories, ...files].find((node) => node.path === path)!.run.first
  }
}

/** What fsck.fat does not look at. */
const UNSEEN_BY_FSCK = ['disk errors', 'wrong media', 'a wrong next cluster']

/** What is said of a damaged volume. */
function faultsAfter(change: (damage: Damage) => void, fsckSees: boolean): Promise<string[]> {
  return withVolume(request(entries), async (image) => {
    change(new Damage(image))
    if (hasFsck && fsckSees) await expect(fsckFat(image.path)).rejects.toThrow('fsck.fat')
    return (await checkFat32(readerOf(image))).map(({ message }) => message)
  })
}

// Records of the root: the label, ONE, DIR, the long entry, its short one.
describe('checkFat32', () => {
  it('has nothing to say of a sound volume', async () => {
    expect(await faultsAfter(() => undefined, false)).toEqual([])
  })

  it.each<[string, (damage: Damage) => void, string[]]>([
    [
      'FATs that differ',
      (damage) => damage.fat(layout.nextFree + 10, 0x0fffffff, [1]),
      ['FAT 2 differs from the first FAT'],
    ],
    ['a dirty volume', (damage) => damage.fat(1, 0x07ffffff), ['the volume was not cleanly unmounted']],
    ['disk errors', (damage) => damage.fat(1, 0x0bffffff), ['a driver met errors on the disk']],
    [
      'wrong media',
      (damage) => damage.fat(0, 0x0ffffff0),
      ['the first FAT entry has media byte 240, the boot sector 248'],
    ],
    [
      'a lost cluster',
      (damage) => damage.fat(layout.nextFree, 0x0fffffff),
      [`1 clusters, the first one ${layout.nextFree}, are in use by nothing`, /^FSInfo counts/.source],
    ],
    [
      'a wrong count',
      (damage) => damage.set(512 + FsInfo.offsetOf('freeClusters'), 1, 2, 0, 0),
      ['^FSInfo counts 513 free clusters, but there are'],
    ],
    [
      'a wrong next cluster',
      (damage) => damage.set(512 + FsInfo.offsetOf('nextFree'), 0, 0, 0, 1),
      ['^FSInfo says that cluster 16777216'],
    ],
    ['no FSInfo', (damage) => damage.set(512, 0), ['the signatures of FSInfo are wrong']],
    [
      'another backup',
      (damage) => damage.set(6 * 512 + BootSector.offsetOf('volumeId'), 1),
      ['the backup of the boot sector differs from it'],
    ],
    [
      'a loop',
      (damage) => damage.fat(damage.first('ONE') + 3, damage.first('ONE')),
      [
        'cluster chain of file "ONE" at offset \\d+: expected an end, found a loop back to cluster 4|file "ONE": cluster 4 belongs to something else, too',
      ],
    ],
    [
      'a chain that leads out',
      (damage) => damage.fat(damage.first('ONE') + 3, 0x0ffffff0),
      [
        'cluster chain of file "ONE" at offset \\d+: expected a cluster from 2 to \\d+ or an end mark, found 268435440',
      ],
    ],
    [
      'a chain that is too short',
      (damage) => damage.fat(damage.first('ONE') + 1, 0x0fffffff),
      [
        'file "ONE" of 2000 bytes has 2 clusters, not 4',
        '2 clusters, the first one 6, are in use by nothing',
      ],
    ],
    [
      'a chain that is too long',
      (damage) => {
        damage.fat(damage.first('ONE') + 3, layout.nextFree)
        damage.fat(layout.nextFree, 0x0fffffff)
      },
      ['file "ONE" of 2000 bytes has 5 clusters, not 4', '^FSInfo counts'],
    ],
    [
      'cross-linked files',
      (damage) => damage.set(damage.record(2, 4, 'firstClusterLow'), damage.first('ONE')),
      [
        'file "a long name": cluster 4 belongs to something else, too',
        '1 clusters, the first one 10, are in use by nothing',
      ],
    ],
    [
      'a long name without its entry',
      (damage) => damage.set(damage.record(2, 4, 'name'), 0x42),
      ['root directory: a long name that belongs to no entry'],
    ],
    [
      'a long name of another entry',
      (damage) => damage.set(damage.record(2, 3, 'name') + LongNameEntry.offsetOf('checksum'), 0),
      ['root directory: a long name that belongs to no entry'],
    ],
    [
      'a name twice',
      (damage) => damage.set(damage.record(2, 2, 'name'), ...utf8('ONE')),
      [
        'root directory: short name "ONE        " is there twice',
        'root directory: name "ONE" is there twice',
      ],
    ],
    [
      'a bad name',
      (damage) => damage.set(damage.record(2, 1, 'name'), 0x3a),
      ['root directory: name ":NE" contains ":", which FAT32 names must not'],
    ],
    [
      'a bad dot',
      (damage) => damage.set(damage.record(3, 0, 'firstClusterLow'), 9),
      ['directory "DIR": "." leads to cluster 9, not 3'],
    ],
    [
      'bad dots',
      (damage) => damage.set(damage.record(3, 1, 'firstClusterLow'), 9),
      ['directory "DIR": ".." leads to cluster 9, not 0'],
    ],
    [
      'no dots',
      (damage) => damage.set(damage.record(3, 0, 'name'), 0xe5),
      ['directory "DIR": does not begin with "." and ".."'],
    ],
    [
      'a directory with a size',
      (damage) => damage.set(damage.record(2, 2, 'size'), 1),
      ['directory "DIR" has size 1, not 0'],
    ],
  ])('finds %s', async (name, change, expected) => {
    const faults = await faultsAfter(change, !UNSEEN_BY_FSCK.includes(name))
    expect(faults).toHaveLength(expected.length)
    faults.forEach((fault, i) => {
      if (fault !== expected[i]) expect(fault).toMatch(new RegExp(expected[i]))
    })
  })
})

describe('readFat32', () => {
  const readAll = (image: SparseImage) => async () => {
    const volume = await readFat32(readerOf(image))
    for await (const entry of volume.entries())
      if (entry.type === 'file') await collect(volume.content(entry))
  }

  it.each<[string, (damage: Damage) => void, string]>([
    ['no boot signature', (damage) => damage.set(510, 0), 'signature at offset 510'],
    ['other sectors', (damage) => damage.set(BootSector.offsetOf('bytesPerSector'), 0, 16), 'bytesPerSector'],
    [
      'odd clusters',
      (damage) => damage.set(BootSector.offsetOf('sectorsPerCluster'), 3),
      'a power of two, found 3',
    ],
    ['FAT16', (damage) => damage.set(BootSector.offsetOf('fatSectors16'), 1), '0, as it is in FAT32'],
    [
      'few clusters',
      (damage) => damage.set(BootSector.offsetOf('totalSectors'), 0, 1, 0, 0),
      '65525 clusters',
    ],
    [
      'a small FAT',
      (damage) => damage.set(BootSector.offsetOf('fatSectors'), 1, 0, 0, 0),
      'fatSectors at offset 36',
    ],
    ['a loop', (damage) => damage.fat(damage.first('ONE') + 3, damage.first('ONE')), 'a loop'],
    ['a loop in a directory', (damage) => damage.fat(2, 2), 'loop back to cluster 2'],
    [
      'a short chain',
      (damage) => damage.fat(damage.first('ONE'), 0x0fffffff),
      'clusters for 2000 bytes, found only 512',
    ],
    ['a bad cluster', (damage) => damage.fat(damage.first('ONE'), 0x0ffffff7), 'found 268435447'],
    ['a free cluster', (damage) => damage.fat(damage.first('ONE'), 0), 'found 0'],
    [
      'a directory in itself',
      (damage) => damage.set(damage.record(2, 2, 'firstClusterLow'), 2),
      'expected a cluster of its own for "DIR", found cluster 2',
    ],
  ])('finds %s', async (_, change, message) => {
    await withVolume(request(entries), async (image) => {
      change(new Damage(image))
      const attempt = readAll(image)()
      await expect(attempt).rejects.toThrow(message)
      await expect(attempt).rejects.toBeInstanceOf(CorruptError)
    })
  })

  it('finds an image that was cut off', async () => {
    const image = new Uint8Array(4096)
    await withVolume(request(entries), (whole) => {
      image.set(whole.read(0, 4096))
      return Promise.resolve()
    })
    const attempt = readFat32((offset, length) => Promise.resolve(image.subarray(offset, offset + length)))
    await expect(attempt).rejects.toBeInstanceOf(CorruptError)
  })

  it.skipIf(!hasMkfs || !hasMtools)('reads what mtools writes on what mkfs.fat makes', async () => {
    await withImage(40 * MIB, async (image) => {
      await mustRun('mkfs.fat', ['-F', '32', '-s', '1', '-n', 'THEIRS', '-i', '12345678', image.path])
      const [a, b] = ['x'.repeat(100_000), 'y']
      const put = (name: string, text: string) =>
        mustRun('mcopy', ['-i', image.path, '-', `::${name}`], { input: text, timeoutMs: 60_000 })
      await mustRun('mmd', ['-i', image.path, '::lower', '::A Long Directory Name'])
      await put('lower/first', a)
      await put('A Long Directory Name/Größe', b)
      await put('lower/second.TXT', b)
      await mustRun('mdel', ['-i', image.path, '::lower/first'])
      // Goes into the gap and beyond it: a chain in two runs.
      await put('A Long Directory Name/again', a + a)
      const volume = await readFat32(readerOf(image))
      expect(volume).toMatchObject({ label: 'THEIRS', volumeId: 0x12345678 })
      const found: Record<string, string> = {}
      for await (const entry of volume.entries()) {
        const content = entry.type === 'file' ? await collect(volume.content(entry)) : utf8('/')
        found[Buffer.from(entry.path, 'latin1').toString()] = Buffer.from(content).toString()
      }
      expect(found).toEqual({
        lower: '/',
        'A Long Directory Name': '/',
        'lower/second.TXT': b,
        'A Long Directory Name/Größe': b,
        'A Long Directory Name/again': a + a,
      })
      expect(await checkFat32(readerOf(image))).toEqual([])
    })
  })
})
