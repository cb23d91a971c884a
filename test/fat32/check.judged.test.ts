import { describe, expect, it } from 'vitest'
import { BootSector, DirEntry, FsInfo, LongNameEntry } from '../../src/fat32/format.ts'
import { clusterOffset, fatOffset } from '../../src/fat32/geometry.ts'
import type { FatLayout } from '../../src/fat32/write/plan.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { requireJudge } from '../judges/run-tool.ts'
import type { SparseImage } from '../images/sparse-image.ts'
import { faultsOf, file, planOf, request, utf8, withVolume } from './volume.ts'

const hasFsck = requireJudge('fsck.fat')

const entries = [
  file('ONE', 'x'.repeat(2000)),
  file('DIR/two.txt', 'y'.repeat(600)),
  file('a long name', 'z'),
]
const layout = await planOf(request(entries))

/** An image with something changed in it, and where things are. */
class Damage {
  readonly layout: FatLayout = layout
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
const UNSEEN_BY_FSCK = ['disk errors', 'wrong media', 'a wrong next cluster', 'no volume']

/** What is said of a damaged volume. */
function faultsAfter(change: (damage: Damage) => void, fsckSees: boolean): Promise<string[]> {
  return withVolume(request(entries), async (image) => {
    change(new Damage(image))
    if (hasFsck && fsckSees) await expect(fsckFat(image.path)).rejects.toThrow('fsck.fat')
    return faultsOf(image).map(
      ({ where, expected, found }) => `${where}: expected ${expected}, found ${found}`,
    )
  })
}

// Records of the root: the label, ONE, DIR, the long entry, its short one.
describe('checkFat', () => {
  it('has nothing to say of a sound volume', async () => {
    expect(await faultsAfter(() => undefined, false)).toEqual([])
  })

  it('says where', async () => {
    await withVolume(request(entries), (image) => {
      new Damage(image).fat(layout.nextFree, 0x0fffffff)
      const [{ offset }] = faultsOf(image)
      expect(offset).toBe(fatOffset(layout.geometry, 0) + layout.nextFree * 4)
      return Promise.resolve()
    })
  })

  it.each<[string, (damage: Damage) => void, string[]]>([
    [
      'FATs that differ',
      (damage) => damage.fat(layout.nextFree + 10, 0x0fffffff, [1]),
      ['FAT 2: expected what FAT 1 has, found something else'],
    ],
    ['a dirty volume', (damage) => damage.fat(1, 0x07ffffff), ['a volume that was cleanly unmounted']],
    ['disk errors', (damage) => damage.fat(1, 0x0bffffff), ['no errors on the disk']],
    [
      'wrong media',
      (damage) => damage.fat(0, 0x0ffffff0),
      ['expected 0xffffff8, with the media byte, found 0xffffff0'],
    ],
    [
      'a lost cluster',
      (damage) => damage.fat(layout.nextFree, 0x0fffffff),
      [`found 1 that nothing uses, the first one ${layout.nextFree}`, '^FSInfo, freeClusters'],
    ],
    [
      'a wrong count',
      (damage) => damage.set(512 + FsInfo.offsetOf('freeClusters'), 1, 2, 0, 0),
      ['^FSInfo, freeClusters: expected \\d+, found 513'],
    ],
    [
      'a wrong next cluster',
      (damage) => damage.set(512 + FsInfo.offsetOf('nextFree'), 0, 0, 0, 1),
      ['^FSInfo, nextFree: .* found 16777216'],
    ],
    ['no FSInfo', (damage) => damage.set(512, 0), ['^FSInfo, leadSignature: expected 0x41615252']],
    [
      'another backup',
      (damage) => damage.set(6 * 512 + BootSector.offsetOf('volumeId'), 1),
      ['^copy of the FAT boot sector: expected what the boot sector has'],
    ],
    [
      'a loop',
      (damage) => damage.fat(damage.first('ONE') + 3, damage.first('ONE')),
      ['file "ONE": expected an end.*, found.* cluster 4'],
    ],
    [
      'a chain that leads out',
      (damage) => damage.fat(damage.first('ONE') + 3, 0x0ffffff0),
      ['file "ONE": expected a cluster from 2 to \\d+ or an end mark, found 268435440'],
    ],
    [
      'a chain that is too short',
      (damage) => damage.fat(damage.first('ONE') + 1, 0x0fffffff),
      [
        '^file "ONE": expected 4 clusters for 2000 bytes, found 2',
        'found 2 that nothing uses, the first one 6',
      ],
    ],
    [
      'a chain that is too long',
      (damage) => {
        damage.fat(damage.first('ONE') + 3, layout.nextFree)
        damage.fat(layout.nextFree, 0x0fffffff)
      },
      ['file "ONE": expected an end after 4 clusters', 'found 1 that nothing uses', '^FSInfo, freeClusters'],
    ],
    [
      'a bad cluster in a file',
      (damage) => damage.fat(damage.first('ONE') + 1, 0x0ffffff7),
      [
        'file "ONE": expected clusters in use, found a bad one, 5',
        'expected 4 clusters for 2000 bytes, found 1',
        'found 2 that nothing uses',
      ],
    ],
    [
      'cross-linked files',
      (damage) => damage.set(damage.record(2, 4, 'firstClusterLow'), damage.first('ONE')),
      [
        'file "a long name": expected clusters of its own, found 4, which belongs to something else, too',
        'file "a long name": expected 1 clusters for 1 bytes, found 0',
        'found 1 that nothing uses, the first one 10',
      ],
    ],
    [
      'a long name without its entry',
      (damage) => damage.set(damage.record(2, 4, 'name'), 0x42),
      ['^root directory: expected a long name with the checksum'],
    ],
    [
      'a long name of another entry',
      (damage) => damage.set(damage.record(2, 3, 'name') + LongNameEntry.offsetOf('checksum'), 0),
      ['^root directory: expected a long name with the checksum'],
    ],
    [
      'a long name with reserved attributes',
      (damage) => damage.set(damage.record(2, 3, 'name') + LongNameEntry.offsetOf('attributes'), 0xcf),
      ['^root directory: expected a long name with the attributes 15, found 207'],
    ],
    [
      'a name twice',
      (damage) => damage.set(damage.record(2, 2, 'name'), ...utf8('ONE')),
      ['^root directory: expected each short name once, found "ONE {8}" again'],
    ],
    [
      'a bad name',
      (damage) => damage.set(damage.record(2, 1, 'name'), 0x3a),
      ['^root directory: expected a sound short name, found ":NE'],
    ],
    [
      'a bad dot',
      (damage) => damage.set(damage.record(3, 0, 'firstClusterLow'), 9),
      ['^directory "DIR": expected "." at cluster 3, found 9'],
    ],
    [
      'bad dots',
      (damage) => damage.set(damage.record(3, 1, 'firstClusterLow'), 9),
      ['^directory "DIR": expected ".." at cluster 0, found 9'],
    ],
    [
      'no dots',
      (damage) => damage.set(damage.record(3, 0, 'name'), 0xe5),
      ['^directory "DIR": expected a directory "."'],
    ],
    [
      'a directory with a size',
      (damage) => damage.set(damage.record(2, 2, 'size'), 1),
      ['^directory "DIR": expected size 0, found 1'],
    ],
    [
      'labels that differ',
      (damage) => damage.set(damage.record(2, 0, 'name'), 0x58),
      ['^volume label: expected "XIRMWARE {3}", as in the root directory, found "FIRMWARE'],
    ],
    [
      'no label in the root directory',
      (damage) => damage.set(damage.record(2, 0, 'name'), 0xe5),
      ['^volume label: expected "NO NAME {4}"'],
    ],
    [
      'a dirty boot sector',
      (damage) => [0, 6].forEach((sector) => damage.set(sector * 512 + BootSector.offsetOf('reserved1'), 1)),
      ['^FAT boot sector, reserved1: expected a volume that was cleanly unmounted'],
    ],
    ['no volume', (damage) => damage.set(510, 0), ['^FAT boot sector, signature']],
  ])('finds %s', async (name, change, expected) => {
    const faults = await faultsAfter(change, !UNSEEN_BY_FSCK.includes(name))
    faults.forEach((fault, i) => expect(fault).toMatch(new RegExp(expected[i])))
    expect(faults).toHaveLength(expected.length)
  })
})
