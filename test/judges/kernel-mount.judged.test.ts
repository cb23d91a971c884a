import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { btrfsCheck } from './btrfs-check.ts'
import { flipByte } from '../images/flip-byte.ts'
import { rootNodeCopies } from './damage.ts'
import type { ExpectedEntry, ExpectedTrees } from './expected.ts'
import { expectedFromWalk } from './expected-from-tar.ts'
import { canJudgeWithKernel, judgeWithKernel } from './kernel-mount.ts'
import { attachLoop, detachLoop } from './loop-device.ts'
import { extractPartition } from './partition.ts'
import { mustRun } from './run-tool.ts'
import { walk } from './walk.ts'

const MIB = 2 ** 20

/** A file system made by others, at 1 MiB of an image, with something of every kind in two subvolumes. */
const POPULATE = `
set -eu
cd "$1"
btrfs -q subvolume create @
btrfs -q subvolume create @boot
ln -s @boot boot
chattr +C @boot
printf 'kernel' > @boot/Image
dd if=/dev/urandom of=@boot/noise bs=64k count=10 status=none
cd @
mkdir -p d/e empty
seq 200000 > d/numbers
printf 'tiny' > d/tiny
ln d/numbers d/e/numbers-again
ln d/numbers numbers-too
ln -s ../nowhere d/link
mkfifo d/fifo
mknod d/block b 7 300
mknod d/character c 300 70000
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("d/socket")'
touch "$(printf 'd/latin-\\351')"
chmod 4755 d/tiny
chown 70000:4294967294 d/e
setfattr -n user.binary -v 0x00ff0a d/tiny
setfattr -n user.other -v text d/tiny
for i in $(seq 400); do ln d/e/numbers-again "d/e/one of very many names of the same file $i"; done
touch -h -d '1931-01-02 03:04:05.123456789 UTC' d/link
touch -d '2077-01-02 03:04:05.000000001 UTC' d/tiny
touch -d '1970-01-01 00:00:01 UTC' d/e
`

interface Described {
  image: string
  partition: { start: number; size: number }
  trees: ExpectedTrees
}

async function prepare(folder: string): Promise<Described> {
  const image = join(folder, 'image')
  const partition = { start: MIB, size: 300 * MIB }
  await mustRun('truncate', ['-s', String(302 * MIB), image])
  const device = await attachLoop(image, partition)
  const top = join(folder, 'top')
  try {
    await mustRun('mkdir', [top])
    await mustRun('mkfs.btrfs', ['-q', device])
    await mustRun('mount', [device, top])
    try {
      await mustRun('bash', ['-c', POPULATE, 'populate', top])
      await mustRun('sync', ['-f', top])
      const trees = new Map<string, ExpectedEntry[]>()
      trees.set('', expectedFromWalk((await walk(top)).filter(({ type }) => type !== 'subvolume')))
      for (const name of ['@', '@boot']) trees.set(name, expectedFromWalk(await walk(join(top, name))))
      return { image, partition, trees }
    } finally {
      await mustRun('umount', [top])
    }
  } finally {
    await detachLoop(device)
  }
}

describe.skipIf(!canJudgeWithKernel())('judgeWithKernel', () => {
  let folder: string
  let made: Described

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kernel-mount-test-'))
    made = await prepare(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const compare = (trees: ExpectedTrees, expectNodatacow: string[] = []) =>
    judgeWithKernel(made.image, made.partition, trees, { compareOnly: true, expectNodatacow })

  /** The expectation with one entry of `@` changed. */
  const withChange = (path: string, change: Partial<ExpectedEntry>): ExpectedTrees => {
    const trees = new Map(made.trees)
    const entries = trees.get('@')!
    expect(entries.filter((entry) => entry.path === path)).toHaveLength(1)
    trees.set(
      '@',
      entries.map((entry) => (entry.path === path ? { ...entry, ...change } : entry)),
    )
    return trees
  }

  test('finds a sound image sound, through write, grow, balance and scrub', async () => {
    await judgeWithKernel(made.image, made.partition, made.trees, {
      expectNodatacow: ['@boot', '@boot/noise'],
    })
  })

  test('two at once, of the same file system', async () => {
    await Promise.all([
      judgeWithKernel(made.image, made.partition, made.trees, {
        growFirst: true,
        balance: false,
        check: false,
      }),
      judgeWithKernel(made.image, made.partition, made.trees, {
        growFirst: true,
        balance: false,
        check: false,
      }),
    ])
  })

  test.each<[string, string, Partial<ExpectedEntry>, RegExp]>([
    ['a nanosecond', 'd/tiny', { mtime: { sec: 3376868645, nsec: 2 } }, /mtime/],
    ['a second before 1970', 'd/link', { mtime: { sec: -1, nsec: 123456789 } }, /mtime/],
    ['a lost xattr', 'd/tiny', { xattrs: [] }, /xattr user\.binary: expected undefined/],
    ['a wanted xattr', 'd/e', { xattrs: [{ name: 'user.x', value: new Uint8Array(1) }] }, /expected 00/],
    ['a mode', 'd/tiny', { mode: 0o755 }, /mode: expected 0755, found 4755/],
    ['an owner', 'd/e', { uid: 70001 }, /uid/],
    ['a group', 'd/e', { gid: 1 }, /gid/],
    ['a content', 'd/numbers', { sha256: 'ff' }, /sha256/],
    ['a size', 'd/numbers', { size: 1 }, /size/],
    ['a target', 'd/link', { target: 'x' }, /target/],
    ['a type', 'd/fifo', { type: 'socket' }, /type: expected socket, found fifo/],
    ['a device number', 'd/character', { minor: 0 }, /minor/],
    ['a hard link', 'd/numbers', { linkGroup: undefined }, /link count/],
    ['an inherited flag', 'd/tiny', { nodatacow: true }, /nodatacow/],
    ['a name', 'd/latin-\xe9', { path: 'd/latin-e' }, /expected nothing, found file/],
  ])('complains of %s', async (_, path, change, complaint) => {
    await expect(compare(withChange(path, change))).rejects.toThrow(complaint)
  })

  test('complains of what is missing and of what is too much', async () => {
    const trees = new Map(made.trees)
    trees.set('@gone', [])
    await expect(compare(trees)).rejects.toThrow(/@gone/)
    trees.delete('@gone')
    trees.delete('@boot')
    await expect(compare(trees)).rejects.toThrow('@boot: entry: expected nothing, found subvolume')
  })

  test('complains of a second copy of metadata that `btrfs check` does not look at', async () => {
    const alone = join(folder, 'alone')
    await extractPartition(made.image, made.partition, alone)
    const partition = { start: 0, size: made.partition.size }
    const copies = await rootNodeCopies(alone)
    expect(copies).toHaveLength(2)
    flipByte(alone, copies[1] + 200)
    await btrfsCheck(alone, partition)
    await expect(judgeWithKernel(alone, partition, made.trees, { compareOnly: true })).rejects.toThrow(
      /verify_errors: [1-9][^]*The kernel says/,
    )
  })

  test('complains of a missing NOCOW flag', async () => {
    await expect(compare(made.trees, ['@boot', '@/d'])).rejects.toThrow('@/d: NOCOW flag')
  })
})
