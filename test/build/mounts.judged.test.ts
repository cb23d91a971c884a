/** One pass over shared sources fills several file systems, as sources of each alone would. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  buildImage,
  openImage,
  verifyImage,
  type BtrfsSpec,
  type ImageSpec,
  type PartitionSpec,
} from 'diskwright'
import { inFolder, noise, text } from '../images/build.ts'
import { btrfsCheck, canBtrfsCheck } from '../judges/btrfs-check.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'

const directory = (path: string, mode = 0o755): TarInput => ({ path, type: 'directory', mode })
const file = (path: string, content: Uint8Array): TarInput => ({
  path,
  type: 'file',
  content: Buffer.from(content),
})

const TREE: TarInput[] = [
  directory('.'),
  directory('boot', 0o700),
  file('boot/Image', noise(300_000)),
  directory('boot/EFI'),
  file('boot/EFI/BOOTAA64.EFI', noise(70_000, 2)),
  directory('usr'),
  file('usr/readme', text(9000)),
  directory('home', 0o711),
  directory('home/me', 0o700),
  file('home/me/notes', text(200_000, 3)),
  { path: 'home/me/again', type: 'hardlink', target: 'home/me/notes' },
  directory('var'),
  directory('var/log'),
  file('var/log/messages', text(20_000, 4)),
]

const esp: PartitionSpec = { type: 'fat32', size: '40MiB', gptType: 'esp', mount: '/boot' }
const root: BtrfsSpec = { type: 'btrfs', label: 'root', size: 'fit', compression: 'zstd', mount: '/' }
const home: BtrfsSpec = {
  type: 'btrfs',
  label: 'home',
  size: 'fit',
  mount: '/home',
  subvolumes: [{ name: 'people', path: '/' }],
}

/** Without what is for shared sources alone. */
function alone(partition: PartitionSpec, source: object): PartitionSpec {
  const { mount, ...rest } = partition as PartitionSpec & { mount?: string }
  void mount
  return { ...rest, sources: [{ tar: 'tree.tar', ...source }] } as PartitionSpec
}

async function withTree<T>(entries: readonly TarInput[], work: (folder: string) => Promise<T>): Promise<T> {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'tree.tar'), buildTar(entries))
    return work(folder)
  })
}

const shared = (partitions: PartitionSpec[]): ImageSpec => ({
  table: { type: 'gpt' },
  sources: [{ tar: 'tree.tar' }],
  partitions,
})

describe('shared sources', () => {
  test.each(['disk.img', 'disk.img.zst'])('fill partitions as sources of their own do, %s', (name) =>
    withTree(TREE, async (folder) => {
      const options = { baseDirectory: folder, workers: 0 }
      // The FAT partition lies before the one that is written first; the home is placed behind it.
      const output = join(folder, name)
      const { partitions } = await buildImage(shared([esp, root, home]), { ...options, output })
      const expected = join(folder, `expected-${name}`)
      await buildImage(
        {
          table: { type: 'gpt' },
          partitions: [
            alone(esp, { from: '/boot' }),
            alone(root, { exclude: ['/boot/*', '/home/*'] }),
            alone(home, { from: '/home' }),
          ],
        },
        { ...options, output: expected },
      )
      const unpacked = async (path: string) => {
        if (!path.endsWith('.zst')) return path
        await mustRun('zstd', ['-qdf', path, '-o', `${path}.unpacked`])
        return `${path}.unpacked`
      }
      const [image, other] = [await unpacked(output), await unpacked(expected)]
      expect(statSync(image).size).toBe(statSync(other).size)
      expect(readFileSync(image).equals(readFileSync(other))).toBe(true)
      expect((await verifyImage(output)).findings).toEqual([])
      for (const partition of partitions) {
        const part = join(folder, `part-${partition.number}`)
        await extractPartition(image, partition, part)
        if (partition.type === 'btrfs' && canBtrfsCheck()) await btrfsCheck(image, partition)
        if (partition.type === 'fat32' && requireJudge('fsck.fat')) await fsckFat(part)
      }
    }),
  )

  test('give a partition that fits its content a place behind the one that is written first', () =>
    withTree(TREE, async (folder) => {
      const spec = shared([home, root])
      const result = await buildImage(spec, { baseDirectory: folder, output: join(folder, 'disk.img') })
      expect(result.partitions.map(({ number, label }) => [number, label])).toEqual([
        [1, 'home'],
        [2, 'root'],
      ])
      expect(result.partitions[0].start).toBeGreaterThan(result.partitions[1].start)
      expect(result.findings).toEqual([])
    }))

  test('make files of hard links to other partitions, and say so', () =>
    withTree(
      [
        ...TREE,
        { path: 'usr/from-home', type: 'hardlink', target: 'home/me/notes' },
        { path: 'home/from-usr', type: 'hardlink', target: 'usr/readme' },
      ],
      async (folder) => {
        const output = join(folder, 'disk.img')
        const { findings } = await buildImage(shared([root, home]), { baseDirectory: folder, output })
        expect(findings.map(({ message }) => message)).toEqual([
          '2 hard links to files of other partitions: each became a separate file',
        ])
        const image = await openImage(output)
        const read = async (number: number, path: string) => {
          const fileSystem = await image.partition(number).open()
          return Buffer.from(await fileSystem.readFile(path))
        }
        expect((await read(1, '/usr/from-home')).equals(Buffer.from(text(200_000, 3)))).toBe(true)
        expect((await read(2, '/people/from-usr')).equals(Buffer.from(text(9000)))).toBe(true)
        await image.close()
      },
    ))

  test('keep mount points where the tree has them, and refuse anything else there', async () => {
    await withTree([file('usr/x', text(10))], async (folder) => {
      const output = join(folder, 'disk.img')
      const deep = { ...home, mount: '/srv/data/home' }
      await buildImage(shared([root, { ...home, mount: '/srv/data' }, deep]), {
        baseDirectory: folder,
        output,
      })
      const image = await openImage(output)
      const list = async (number: number, path: string) => {
        const fileSystem = await image.partition(number).open()
        return (await fileSystem.list(path)).map(({ name }) => name).sort()
      }
      expect(await list(1, '/')).toEqual(['srv', 'usr'])
      expect(await list(1, '/srv/data')).toEqual([])
      expect(await list(2, '/people')).toEqual(['home'])
      await image.close()
    })
    await withTree([{ path: 'home', type: 'symlink', target: 'usr/home' }], async (folder) => {
      const output = join(folder, 'disk.img')
      await expect(buildImage(shared([root, home]), { baseDirectory: folder, output })).rejects.toThrow(
        'tree.tar: entry "home" at offset 0: is a symlink, but a partition is mounted there: expected a directory',
      )
      expect(() => statSync(output)).toThrow('ENOENT')
    })
  })

  test('do not hide what a symlink leads below a mount point', () =>
    withTree(
      [directory('home'), { path: 'people', type: 'symlink', target: 'home' }, file('people/x', text(10))],
      async (folder) => {
        const output = join(folder, 'disk.img')
        await expect(buildImage(shared([root, home]), { baseDirectory: folder, output })).rejects.toThrow(
          'sources: entry "/home/x": lies below the mount point /home of another partition, which would hide it',
        )
      },
    ))

  test('do not hide what a partition brings itself, or its fstab', () =>
    withTree([directory('home'), { path: 'etc', type: 'symlink', target: 'home' }], async (folder) => {
      const refusal = (spec: ImageSpec) =>
        buildImage(spec, { baseDirectory: folder, output: join(folder, 'disk.img') }).then(
          () => 'built',
          (error: Error) => error.message,
        )
      const own = { ...root, sources: [{ files: { '/home/own': 'x' } }] }
      expect(await refusal(shared([own, home]))).toContain(
        'entry "/home/own": lies below the mount point /home',
      )
      expect(await refusal({ ...shared([root, home]), fstab: true })).toContain('entry "/home/fstab"')
      const layered = (path: string): BtrfsSpec => ({
        ...root,
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@home', path },
        ],
      })
      expect(await refusal(shared([layered('/home'), home]))).toBe(
        'partitions[0].subvolumes[1].path: is hidden by partitions[1], which is mounted at /home',
      )
      expect(await refusal(shared([layered('/home/me'), home]))).toContain('is hidden by partitions[1]')
    }))

  test('need a root, and partitions whose places are known before', () =>
    withTree(TREE, async (folder) => {
      const refusal = (spec: ImageSpec) =>
        buildImage(spec, { baseDirectory: folder, output: join(folder, 'disk.img') }).then(
          () => 'built',
          (error: Error) => error.message,
        )
      expect(await refusal(shared([home]))).toBe('sources: needs a partition with "mount": "/"')
      expect(await refusal(shared([root, { ...home, mount: '/' }]))).toBe(
        'partitions[1].mount: is also partitions[0].mount',
      )
      expect(await refusal({ table: { type: 'gpt' }, partitions: [root] })).toBe(
        'partitions[0].mount: is for "sources" and "fstab" of the image, but the image has neither',
      )
      const first = { type: 'btrfs', size: 'fit' } as const
      expect(await refusal(shared([first, { ...esp, label: 'X' }, root]))).toContain(
        'partitions[1]: takes content from the sources of a later partition',
      )
    }))
})

test('fstab names all that is mounted, once', () =>
  withTree(TREE, async (folder) => {
    const output = join(folder, 'disk.img')
    const layered: BtrfsSpec = {
      ...root,
      uuid: '11111111-1111-4111-8111-111111111111',
      subvolumes: [
        { name: '@', path: '/', compression: 'zstd:5' },
        { name: '@var', path: '/var', nodatacow: true },
        { name: '@/opt', path: '/opt' },
      ],
    }
    const spec = {
      ...shared([
        { ...esp, volumeId: '1234-ABCD' },
        layered,
        {
          ...home,
          uuid: '22222222-2222-4222-8222-222222222222',
          mount: '/home/my people',
          mountOptions: 'noatime',
        },
        { type: 'swap', size: '1MiB', uuid: '33333333-3333-4333-8333-333333333333' },
      ]),
      fstab: true,
    }
    await buildImage(spec, { baseDirectory: folder, output })
    const image = await openImage(output)
    const fileSystem = await image.partition(2).open()
    const fstab = Buffer.from(await fileSystem.readFile('/@/etc/fstab')).toString()
    await image.close()
    expect(
      fstab
        .trim()
        .split('\n')
        .map((line) => line.split('\t')),
    ).toEqual([
      ['UUID=11111111-1111-4111-8111-111111111111', '/', 'btrfs', 'compress=zstd:5,subvol=/@', '0', '0'],
      ['UUID=1234-ABCD', '/boot', 'vfat', 'umask=0077', '0', '2'],
      [
        'UUID=22222222-2222-4222-8222-222222222222',
        '/home/my\\040people',
        'btrfs',
        'noatime,subvol=/people',
        '0',
        '0',
      ],
      ['UUID=11111111-1111-4111-8111-111111111111', '/var', 'btrfs', 'subvol=/@var', '0', '0'],
      ['UUID=33333333-3333-4333-8333-333333333333', 'none', 'swap', 'defaults', '0', '0'],
    ])
    if (requireJudge('findmnt')) {
      const path = join(folder, 'fstab')
      writeFileSync(path, fstab)
      const { stdout } = await mustRun('findmnt', [
        '--tab-file',
        path,
        '--noheadings',
        '--list',
        '-o',
        'TARGET',
      ])
      expect(stdout.split('\n').map((line) => line.trim())).toContain('/home/my people')
    }
  }))
