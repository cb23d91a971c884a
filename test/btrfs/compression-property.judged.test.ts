/** The property btrfs.compression, as the kernel heeds it. */
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { noise, text, type Built } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
const bytes = (value: string) => new Uint8Array(Buffer.from(value))
const canMount = canJudgeWithKernel()

const subvolumes = [
  { name: '@', path: '/' },
  { name: '@none', path: '/none', compression: 'zstd', property: 'none' as const },
  { name: '@lzo', path: '/lzo', property: 'lzo' as const },
  { name: '@zlib', path: '/zlib', compression: 'lzo', property: 'zlib' as const },
  { name: '@zstd', path: '/zstd', property: 'zstd' as const },
  { name: '@empty', property: 'zstd' as const },
]
const entries = ['none', 'lzo', 'zlib', 'zstd', 'plain'].flatMap((name): TarInput[] => [
  file(`${name}/deep/down/text`, text(300 * KIB)),
  file(`${name}/deep/nocow/noise`, noise(5 * KIB)),
  { path: `${name}/own`, type: 'directory', xattrs: [{ name: 'btrfs.compression', value: bytes('lzo') }] },
])
const paths = subvolumes.flatMap(({ path }) =>
  path === undefined || path === '/' ? [] : [{ path: `${path}/deep/nocow`, nodatacow: true }],
)

/** Writes compressible files with the kernel, mounted without options, and says how each is stored. */
async function writtenByKernel({ folder, image, btrfs }: Built): Promise<Record<string, string>> {
  const copy = join(folder, 'copy')
  await extractPartition(image, btrfs, copy)
  const device = await attachLoop(copy, { start: 0, size: btrfs.size })
  const mountPoint = mkdtempSync(join(folder, 'mount-'))
  const paths = [
    ...['@none', '@lzo', '@zlib', '@zstd'].flatMap((name) => [
      `${name}/new-0${name}`,
      `${name}/deep/down/new-1${name}`,
      `${name}/deep/down/made/new-2${name}`,
      `${name}/deep/nocow/new-3${name}`,
      `${name}/own/new-4${name}`,
    ]),
    '@empty/new-5',
    '@/plain/new-6',
  ]
  try {
    await mustRun('mount', ['-t', 'btrfs', device, mountPoint])
    try {
      for (const name of ['@none', '@lzo', '@zlib', '@zstd'])
        mkdirSync(join(mountPoint, name, 'deep/down/made'))
      for (const path of paths) writeFileSync(join(mountPoint, path), text(200 * KIB))
      const { stdout } = await mustRun('btrfs', [
        'property',
        'get',
        join(mountPoint, '@zlib/deep'),
        'compression',
      ])
      expect(stdout).toBe('compression=zlib\n')
    } finally {
      await mustRun('umount', [mountPoint])
      rmdirSync(mountPoint)
    }
  } finally {
    await detachLoop(device)
  }
  const stored: Record<string, string> = {}
  const { stdout } = await mustRun('btrfs', ['inspect-internal', 'dump-tree', '--noscan', copy])
  let path: string | undefined
  for (const line of stdout.split('\n')) {
    // The names of an inode come before its extents.
    const name = /^\t\tindex \d+ namelen \d+ name: (\S+)$/.exec(line)?.[1]
    if (name !== undefined) path = paths.find((path) => path.endsWith(`/${name}`))
    const compression = /extent compression \d \((\w+)\)/.exec(line)?.[1]
    if (path !== undefined && compression !== undefined) stored[path] = compression
  }
  return stored
}

describe('the property of a subvolume', () => {
  test('is on every directory of it, and what the kernel writes below obeys', async () => {
    await buildAndJudge([{ entries }], { subvolumes, paths }, { exercise: true }, async (built) => {
      if (!canMount) return
      const expected: Record<string, string> = {}
      for (const kind of ['none', 'lzo', 'zlib', 'zstd']) {
        for (const path of ['new-0', 'deep/down/new-1', 'deep/down/made/new-2']) {
          expected[`@${kind}/${path}@${kind}`] = kind
        }
        expected[`@${kind}/deep/nocow/new-3@${kind}`] = 'none'
        expected[`@${kind}/own/new-4@${kind}`] = 'lzo'
      }
      expect(await writtenByKernel(built)).toEqual({
        ...expected,
        '@empty/new-5': 'zstd',
        '@/plain/new-6': 'none',
      })
    })
  })
})
