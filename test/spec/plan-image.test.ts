/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return --
   descriptions that are wrong on purpose fit no type */
import { describe, expect, it } from 'vitest'
import { planImage, resolvePlan } from '../../src/build/plan-image.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import type { BtrfsPlan, FatPlan } from '../../src/spec/plan/plan.ts'
import { description, type Json } from './descriptions.ts'

const MIB = 2 ** 20

async function btrfsOf(change: (partition: Json) => void = () => {}): Promise<BtrfsPlan> {
  const { partitions } = await resolvePlan(description((spec: Json) => change(spec.partitions[1])))
  return partitions[1] as BtrfsPlan
}

describe('resolvePlan', () => {
  it('decides all that the preset leaves open', async () => {
    const plan = await resolvePlan(description(), { resolvePath: (path) => `/here/${path}` })
    expect(plan.table).toEqual({ type: 'mbr', diskId: 0x2178694e })
    // The UUIDs here are those of another program's UUID v5.
    expect(plan.partitions[0]).toEqual({
      jsonPath: 'partitions[0]',
      number: 1,
      type: 'fat32',
      align: MIB,
      gpt: undefined,
      mount: undefined,
      mountOptions: undefined,
      label: 'FIRMWARE',
      start: MIB,
      size: 512 * MIB,
      bootable: false,
      mbrType: 0x0c,
      time: { sec: 0, nsec: 0 },
      sources: [{ kind: 'directory', path: '/here/firmware', to: '', merge: 'follow', xattrs: false }],
      volumeId: 0xa335c2c9,
      slack: 0,
      shape: {
        sectorSize: 512,
        clusterTable: 'mkfs.fat',
        clusterSize: undefined,
        reservedSectors: undefined,
        fats: 2,
        rootEntries: undefined,
      },
      hiddenSectors: undefined,
      codePage: undefined,
      media: undefined,
      oemName: 'MSWIN4.1',
      driveNumber: undefined,
      symlinks: 'error',
      rules: [],
      firmware: undefined,
    } satisfies FatPlan)
    const { subvolumes, ...btrfs } = plan.partitions[1] as BtrfsPlan
    expect(btrfs).toEqual({
      jsonPath: 'partitions[1]',
      number: 2,
      type: 'btrfs',
      align: MIB,
      gpt: undefined,
      mount: undefined,
      mountOptions: undefined,
      dedupe: true,
      inlineCompression: false,
      label: 'NIXOS_SD',
      start: 513 * MIB,
      size: 'fit',
      bootable: true,
      mbrType: 0x83,
      time: { sec: 0, nsec: 0 },
      uuid: '44444444-4444-4444-8888-888888888889',
      deviceUuid: '020712ff-f369-5cd4-91f9-88ce3c0d9118',
      chunkTreeUuid: expect.any(String) as string,
      nodeSize: 16384,
      checksum: 'crc32c',
      profiles: { system: 'dup', metadata: 'dup', data: 'single' },
      mixed: false,
      blockGroupTree: false,
      slack: undefined,
      paths: [],
      rules: [],
      swapfile: undefined,
      links: new Map([['boot', '@boot']]),
      sources: [{ kind: 'tar', path: '/here/closure.tar', to: '', merge: 'follow' }],
    })
    const zstd = { nodatacow: false, compression: { algorithm: 'zstd', level: 3 } }
    const uuid = expect.any(String) as string
    const held = subvolumes.map(({ id, name, path, uuid, nodatacow, compression }) => ({
      ...{ id, name, path, uuid, nodatacow, compression },
    }))
    expect(held).toEqual([
      { id: 5, name: '', path: undefined, uuid, ...zstd },
      { id: 256, name: '@', path: '', uuid: 'bba97196-9622-5d08-8f8d-bb3c5c66c9fc', ...zstd },
      { id: 257, name: '@boot', path: 'boot', uuid, nodatacow: true, compression: undefined },
      { id: 258, name: '@gnu', path: 'gnu', uuid, ...zstd },
      { id: 259, name: '@home', path: 'home', uuid, ...zstd },
      { id: 260, name: '@nix', path: 'nix', uuid, ...zstd },
      { id: 261, name: '@snapshots', path: '.snapshots', uuid, ...zstd },
      { id: 262, name: '@var', path: 'var', uuid, ...zstd },
    ])
    const uuids = [btrfs.deviceUuid, btrfs.chunkTreeUuid, ...subvolumes.map((subvolume) => subvolume.uuid)]
    expect(new Set(uuids).size).toBe(uuids.length)
  })

  it('derives all that is not given from the seed', async () => {
    const ids = async (seed: string) => {
      const { table, partitions } = await resolvePlan(
        description((spec: Json) => {
          spec.seed = seed
          delete spec.table.diskId
          delete spec.partitions[1].uuid
        }),
      )
      const [fat, btrfs] = partitions as [FatPlan, BtrfsPlan]
      const { uuid, deviceUuid, chunkTreeUuid, subvolumes } = btrfs
      return [
        (table as { diskId: number }).diskId,
        fat.volumeId,
        uuid,
        deviceUuid,
        chunkTreeUuid,
        ...subvolumes.map((s) => s.uuid),
      ]
    }
    const [once, again, other] = [await ids('a'), await ids('a'), await ids('b')]
    expect(again).toEqual(once)
    expect(other.filter((id) => once.includes(id))).toEqual([])
    expect(new Set(once).size).toBe(once.length)
  })

  it('reads ids in each of their spellings', async () => {
    const plan = await resolvePlan(
      description((spec: Json) => {
        spec.table.diskId = 7
        Object.assign(spec.partitions[0], { volumeId: '1234-aBcD', mbrType: '0x0B', size: String(64 * MIB) })
        spec.partitions[1].uuid = 'ABCDEF00-4444-4444-8888-888888888889'
      }),
    )
    expect(plan.table).toEqual({ type: 'mbr', diskId: 7 })
    expect(plan.partitions[0]).toMatchObject({ volumeId: 0x1234abcd, mbrType: 0x0b, size: 64 * MIB })
    expect(plan.partitions[1]).toMatchObject({
      uuid: 'abcdef00-4444-4444-8888-888888888889',
      start: 65 * MIB,
    })
  })

  it('orders partitions by their place, and numbers them by the description', async () => {
    const plan = await resolvePlan(
      description((spec: Json) => {
        spec.partitions.reverse()
        spec.partitions[0].start = '513MiB'
      }),
    )
    expect(plan.partitions.map(({ number, type, start }) => [number, type, start])).toEqual([
      [2, 'fat32', MIB],
      [1, 'btrfs', 513 * MIB],
    ])
  })

  it('takes the time from the description, else from SOURCE_DATE_EPOCH', async () => {
    const timeOf = async (time: unknown, sourceDateEpoch?: string) => {
      const spec = description((s: Json) => Object.assign(s, { time }))
      return (await resolvePlan(spec, { sourceDateEpoch })).partitions.map(
        (each) => (each as BtrfsPlan).time,
      )[0]
    }
    expect(await timeOf(undefined)).toEqual({ sec: 0, nsec: 0 })
    expect(await timeOf(undefined, '')).toEqual({ sec: 0, nsec: 0 })
    expect(await timeOf(undefined, '1700000000')).toEqual({ sec: 1700000000, nsec: 0 })
    expect(await timeOf(5, '1700000000')).toEqual({ sec: 5, nsec: 0 })
    expect(await timeOf('1970-01-02T00:00:00.5Z', 'ignored')).toEqual({ sec: 86400, nsec: 500_000_000 })
  })

  it('takes a key that is undefined for one that is not there', async () => {
    const spec = description((s: Json) => {
      Object.assign(s.partitions[0], { start: undefined, label: undefined })
      s.partitions[1].sources[0].directory = undefined
    })
    expect(await resolvePlan(spec)).toEqual(await resolvePlan(JSON.parse(JSON.stringify(spec))))
  })

  it('leaves the description as it is', async () => {
    const spec = description()
    await resolvePlan(spec)
    expect(spec).toEqual(description())
  })
})

describe('the subvolumes of a plan', () => {
  const paths = async (subvolumes: object[] | undefined) =>
    (await btrfsOf((p) => (p.subvolumes = subvolumes))).subvolumes.map(({ id, name, path }) => [
      id,
      name,
      path,
    ])

  it('are the top level alone when there are none', async () => {
    expect(await paths(undefined)).toEqual([[5, '', '']])
    expect(await paths([])).toEqual([[5, '', '']])
  })

  it('leave the root to the top level when none has it', async () => {
    const described = [{ name: '@home', path: '/home' }, { name: 'spare' }]
    const expected = [
      [5, '', ''],
      [256, '@home', 'home'],
      [257, 'spare', 'spare'],
    ]
    expect(await paths(described)).toEqual(expected)
    expect(await paths([{ name: '' }, ...described])).toEqual(expected)
    expect(await paths([...described, { name: '', path: '/' }])).toEqual(expected)
  })

  it('may put another part of the tree at the top level', async () => {
    expect(
      await paths([
        { name: '', path: '/top' },
        { name: '@', path: '/' },
      ]),
    ).toEqual([
      [5, '', 'top'],
      [256, '@', ''],
    ])
  })

  it('have names and paths in bytes', async () => {
    expect((await paths([{ name: 'ä', path: '/ß/x' }])).at(-1)).toEqual([256, '\xc3\xa4', '\xc3\x9f/x'])
  })
})

describe('nested subvolumes and snapshots of a plan', () => {
  it('lie in each other, hold the path where they lie, and have ids in order', async () => {
    const { subvolumes } = await btrfsOf((p) => {
      p.compression = 'zstd:5'
      p.subvolumes = [
        { name: '@', path: '/', id: 300, default: true },
        { name: '@/var/lib/machines', property: 'none' },
        { name: '@/var/lib/machines/a', path: '/srv/a', id: 290, readOnly: true, otime: 12 },
        { name: 'snapshots/factory', snapshotOf: '@/var/lib/machines' },
        { name: 'spare' },
      ]
    })
    const shown = subvolumes.map(({ id, name, parent, directory, path }) => [
      id,
      name,
      parent,
      directory,
      path,
    ])
    expect(shown).toEqual([
      [5, '', 5, '', undefined],
      [290, '@/var/lib/machines/a', 301, 'a', 'srv/a'],
      [300, '@', 5, '@', ''],
      [301, '@/var/lib/machines', 300, 'var/lib/machines', 'var/lib/machines'],
      [302, 'snapshots/factory', 5, 'snapshots/factory', undefined],
      [303, 'spare', 5, 'spare', undefined],
    ])
    expect(subvolumes.filter(({ isDefault }) => isDefault).map(({ id }) => id)).toEqual([300])
    expect(subvolumes[1]).toMatchObject({ readOnly: true, otime: { sec: 12, nsec: 0 } })
    expect(subvolumes[3]).toMatchObject({ property: 'none', readOnly: false, snapshotOf: undefined })
    expect(subvolumes[4]).toMatchObject({ property: 'none', readOnly: true, snapshotOf: 301 })
    expect(subvolumes[4].compression).toEqual({ algorithm: 'zstd', level: 5 })
  })
})

describe('the rules of a plan', () => {
  it('say what changes, in bytes and numbers', async () => {
    const { rules, paths } = await btrfsOf((p) => {
      p.paths = [
        { path: '/a', compression: 'lzo' },
        { path: '/ä', mode: '4755', uid: 7 },
        { glob: '/**/*.db', nodatacow: true, flags: ['sync', 'nodump', 'sync'] },
        {
          glob: '/x',
          compression: 'none',
          xattrs: { 'user.a': 'ä', 'user.b': { base64: '/wA=' }, 'user.c': null },
        },
        { glob: '/tmp/**', exclude: true },
      ]
    })
    const nothing = { storage: {}, flags: [], xattrs: new Map(), exclude: false }
    expect(rules).toEqual([
      { ...nothing, index: 1, for: { path: '\xc3\xa4' }, mode: 0o4755, uid: 7 },
      {
        ...nothing,
        index: 2,
        for: { glob: '/**/*.db' },
        storage: { nodatacow: true },
        flags: ['nodump', 'sync'],
      },
      {
        ...nothing,
        index: 3,
        for: { glob: '/x' },
        storage: { compression: 'none' },
        xattrs: new Map([
          ['user.a', Uint8Array.of(0xc3, 0xa4)],
          ['user.b', Uint8Array.of(0xff, 0)],
          ['user.c', undefined],
        ]),
      },
      { ...nothing, index: 4, for: { glob: '/tmp/**' }, exclude: true },
    ])
    expect(paths.map(({ path }) => path)).toEqual(['a', '\xc3\xa4'])
  })
})

describe('the storage of a plan', () => {
  const zstd = (level: number) => ({ nodatacow: false, compression: { algorithm: 'zstd', level } })
  const plain = { nodatacow: false, compression: undefined }
  const nodatacow = { nodatacow: true, compression: undefined }

  it('comes from the subvolume, else from the partition', async () => {
    const { subvolumes } = await btrfsOf((p) => {
      p.compression = 'zstd:9'
      p.subvolumes = [
        { name: 'a', path: '/' },
        { name: 'b', compression: 'zstd' },
        { name: 'c', compression: 'none' },
        { name: 'd', nodatacow: true },
        { name: 'e', nodatacow: false },
        { name: '', compression: 'zstd:1' },
      ]
    })
    expect(subvolumes.map(({ nodatacow, compression }) => ({ nodatacow, compression }))).toEqual([
      zstd(1),
      zstd(9),
      zstd(3),
      plain,
      nodatacow,
      zstd(9),
    ])
  })

  it('of a path adds to what is outside of it, up to its subvolume', async () => {
    const { paths } = await btrfsOf((p) => {
      p.compression = 'zstd:9'
      p.paths = [
        { path: '/srv/db/logs', nodatacow: false },
        { path: '/srv/db', nodatacow: true },
        { path: '/srv', compression: 'zstd:1' },
        { path: '/srv/db/x' },
        { path: '/srvx' },
        { path: '/boot/y' },
        { path: '/boot/z', nodatacow: false, compression: 'zstd:2' },
        { path: '/', compression: 'none' },
        { path: '/nix/store' },
      ]
    })
    expect(Object.fromEntries(paths.map(({ path, ...storage }) => [path, storage]))).toEqual({
      'srv/db/logs': zstd(1),
      'srv/db': nodatacow,
      srv: zstd(1),
      'srv/db/x': nodatacow,
      srvx: plain,
      'boot/y': { ...nodatacow, bootFiles: true },
      'boot/z': { ...zstd(2), bootFiles: true },
      '': plain,
      'nix/store': zstd(9),
    })
  })
})

it('refuses a misspelt option and names the right one', async () => {
  const planning = planImage(description() as ImageSpec, { resolvePaths: (path: string) => path } as never)
  await expect(planning).rejects.toThrow('planImage: unknown option resolvePaths: did you mean resolvePath?')
})
