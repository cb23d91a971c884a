/** Images hold what umoci unpacks, and what umoci and skopeo write is read. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../../src/lib/errors.ts'
import type { ByteString } from '../../../src/lib/byte-string.ts'
import { build, inFolder, noise, text } from '../../images/build.ts'
import { judge } from '../../images/judge.ts'
import { compareTree, refuseDifferences, type ExpectedEntry, type FoundEntry } from '../../judges/expected.ts'
import { mustRun, requireJudge } from '../../judges/run-tool.ts'
import { canUmoci, expectedFromUmoci, skopeoCopy, umociUnpack } from '../../judges/umoci.ts'
import type { Collected } from '../../tar/collect.ts'
import { arbitraryLayers, withoutRefused } from './arbitrary-layers.ts'
import { layerOf, plainLayerOf, TestLayout, type TestLayer } from './layout.ts'
import { entriesIn, shown, withLayout } from './read.ts'

const tagged = (layers: readonly TestLayer[]) => {
  const layout = new TestLayout()
  const annotations = { 'org.opencontainers.image.ref.name': 'tag' }
  return layout.top(layout.image(layers, {}, { annotations }))
}

/** Our entries, with the directories that are only on their paths, of which nothing more is known. */
function expectedFrom(entries: readonly Collected[]): ExpectedEntry[] {
  const known = new Map<ByteString, ExpectedEntry>()
  for (const { path, type, target, ...rest } of entries) {
    const { content, mode, uid, gid, mtime, xattrs, major, minor } = rest as Partial<ExpectedEntry>
    if (type === 'hardlink') {
      const first = known.get(target as ByteString)!
      first.linkGroup ??= String(first.path)
      known.set(path, { ...first, path })
      continue
    }
    const permissions = type === 'symlink' ? undefined : mode
    known.set(path, {
      ...{ path, type, mode: permissions, uid, gid, mtime, xattrs },
      ...{ content, target: target as ByteString, major, minor },
    })
  }
  const parentOf = (path: ByteString) => path.slice(0, Math.max(path.lastIndexOf('/'), 0))
  for (const path of [...known.keys(), 'x']) {
    for (let parent = parentOf(path); !known.has(parent); parent = parentOf(parent)) {
      known.set(parent, { path: parent, type: 'directory', xattrs: 'unknown' })
    }
  }
  return [...known.values()]
}

/** Without the times that come from the unpacking: directories have them in which umoci made others on the way. */
function withoutNewTimes(ours: readonly ExpectedEntry[], theirs: readonly FoundEntry[]): ExpectedEntry[] {
  const isNew = new Set(theirs.filter(({ mtime }) => mtime[0] > 1e9).map(({ path }) => path))
  return ours.map((entry) =>
    entry.type === 'directory' && isNew.has(entry.path) ? { ...entry, mtime: undefined } : entry,
  )
}

/** The entries, with the digests of contents: comparing millions of bytes takes minutes. */
async function summaryOf(...args: Parameters<typeof entriesIn>): Promise<unknown[]> {
  const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')
  return (await entriesIn(...args)).map(({ content, ...rest }) => ({
    ...rest,
    ...(content && { sha256: digest(content) }),
  }))
}

const user = (value: string | Uint8Array) => [
  { name: 'user.x', value: typeof value === 'string' ? new TextEncoder().encode(value) : value },
]
/** A capability of a program: cap_net_raw+ep. (struct vfs_cap_data) */
const capability = {
  name: 'security.capability',
  value: Uint8Array.of(1, 0, 0, 2, 0, 32, ...new Uint8Array(14)),
}

/** Everything that layers can do, with files of all sizes. */
const LAYERS: TestLayer[] = [
  layerOf(
    { path: '', type: 'directory', mode: 0o711, mtime: { sec: 5, nsec: 0 } },
    { path: 'usr', type: 'directory', mtime: { sec: 6, nsec: 7 } },
    { path: 'usr/bin', type: 'directory', uid: 1, gid: 2 },
    { path: 'usr/bin/ping', type: 'file', content: noise(300_000), mode: 0o4755, xattrs: [capability] },
    { path: 'usr/bin/ping4', type: 'hardlink', target: 'usr/bin/ping' },
    { path: 'usr/lib', type: 'directory' },
    { path: 'usr/lib/old.so', type: 'file', content: text(500_000) },
    { path: 'lib', type: 'symlink', target: 'usr/lib', mode: 0o777 },
    { path: 'dev', type: 'directory', mode: 0o755 },
    { path: 'dev/null', type: 'character', major: 1, minor: 3, mode: 0o666 },
    { path: 'dev/disk', type: 'block', major: 259, minor: 70_000, gid: 6, mode: 0o660 },
    { path: 'dev/pipe', type: 'fifo', mode: 0o600 },
    { path: 'etc', type: 'directory', xattrs: user('directory') },
    { path: 'etc/gone', type: 'file', content: noise(2_000_000, 2) },
    { path: 'etc/kept', type: 'file', content: 'kept', xattrs: user(new Uint8Array([0, 255])) },
    { path: 'cache', type: 'directory' },
    { path: 'cache/a', type: 'file', content: noise(1_000_000, 3) },
    { path: 'cache/deep', type: 'directory' },
    { path: 'cache/deep/b', type: 'file', content: 'b' },
    { path: 'gr\xc3\xbc\xc3\x9fe \xff', type: 'file', content: 'bytes' },
  ),
  plainLayerOf(
    { path: 'lib/new.so', type: 'file', content: text(4_000_000, 2) },
    { path: 'lib/.wh.old.so', type: 'file' },
    { path: 'etc/.wh.gone', type: 'file' },
    { path: 'cache', type: 'directory', mode: 0o700 },
    { path: 'cache/deep', type: 'directory', mode: 0o750 },
    { path: 'cache/deep/c', type: 'file', content: 'c' },
    { path: 'cache/.wh..wh..opq', type: 'file' },
    { path: 'etc/link', type: 'hardlink', target: 'etc/kept' },
    { path: 'overlay', type: 'character', major: 0, minor: 0 },
  ),
  layerOf(
    { path: 'usr/bin/.wh.ping', type: 'file' },
    { path: 'dev', type: 'file', content: 'a file now' },
    {
      path: 'sparse',
      type: 'file',
      content: Buffer.concat([new Uint8Array(1 << 20), text(5000)]),
      sparse: '1.0',
    },
  ),
]

describe.skipIf(!canUmoci())('umoci and skopeo', () => {
  test('agree about any layers', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(arbitraryLayers, fc.nat({ max: 4 }), async (all, some) => {
        // Most images at random are refused: of most, only what is accepted is taken.
        const layers = some === 0 ? all : await withoutRefused(all)
        await withLayout(tagged(layers.map((entries) => layerOf(...entries))), async (folder) => {
          const theirs = await umociUnpack(folder, 'tag')
          let ours: Collected[]
          try {
            ours = await entriesIn(folder)
          } catch (error) {
            if (!(error instanceof InputError) || Array.isArray(theirs)) throw error
            return
          }
          if (!Array.isArray(theirs)) throw new Error(`umoci refuses: ${theirs.stderr}`)
          accepted++
          refuseDifferences(compareTree('image', withoutNewTimes(expectedFrom(ours), theirs), theirs))
        })
      }),
      { numRuns: 60 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  test('an image of many layers, as the kernel shows it', () =>
    withLayout(tagged(LAYERS), (layout) =>
      inFolder(async (folder) => {
        // umoci changes the time of a directory from which it removes something.
        const expected = (await expectedFromUmoci(layout, 'tag')).map((entry) =>
          entry.path === 'cache/deep' ? { ...entry, mtime: { sec: 0, nsec: 0 } } : entry,
        )
        const built = await build(folder, {
          table: { type: 'mbr' },
          partitions: [{ type: 'btrfs', size: 'fit', compression: 'zstd:3', sources: [{ oci: layout }] }],
        })
        await judge(built, new Map([['', expected]]))
        // What upper layers remove is not in the image at all.
        const bytes = readFileSync(built.image)
        for (const removed of [noise(4096, 2), noise(4096, 3)])
          expect(bytes.includes(Buffer.from(removed))).toBe(false)
      }),
    ))

  test('the same image in all that skopeo writes', () =>
    withLayout(tagged(LAYERS), (layout) =>
      inFolder(async (folder) => {
        const expected = await summaryOf(layout)
        const docker = join(folder, 'docker.tar')
        const archive = join(folder, 'oci.tar')
        const zstd = join(folder, 'zstd')
        await skopeoCopy(`oci:${layout}:tag`, `docker-archive:${docker}:example.org/name:tag`)
        await skopeoCopy(`oci:${layout}:tag`, `oci-archive:${archive}:tag`)
        await skopeoCopy(
          `oci:${layout}:tag`,
          `oci:${zstd}:tag`,
          '--dest-compress-format=zstd',
          '--dest-compress',
        )
        expect(await summaryOf(docker)).toEqual(expected)
        expect(await summaryOf(docker, { reference: 'example.org/name:tag' })).toEqual(expected)
        expect(await summaryOf(archive, { reference: 'tag', platform: 'linux/amd64' })).toEqual(expected)
        expect(await summaryOf(zstd)).toEqual(expected)
        const unpacked = join(folder, 'docker')
        mkdirSync(unpacked)
        await mustRun('tar', ['-C', unpacked, '-xf', docker])
        expect(await summaryOf(unpacked)).toEqual(expected)
      }),
    ))

  test('layers as umoci writes them of a changed tree', () =>
    inFolder(async (folder) => {
      const layout = join(folder, 'layout')
      const umoci = (...args: string[]) => mustRun('umoci', args)
      await umoci('init', '--layout', layout)
      await umoci('new', '--image', `${layout}:0`)
      const change = async (number: number, work: (root: string) => void) => {
        const bundle = join(folder, `bundle-${number}`)
        await umoci('unpack', '--image', `${layout}:${number}`, bundle)
        work(join(bundle, 'rootfs'))
        await umoci('repack', '--image', `${layout}:${number + 1}`, bundle)
      }
      await change(0, (root) => {
        for (const path of ['a/b/c', 'd', 'e']) mkdirSync(join(root, path), { recursive: true })
        for (const path of ['a/1', 'a/b/2', 'a/b/c/3', 'd/4', 'e/5', '6'])
          writeFileSync(join(root, path), path)
      })
      await change(1, (root) => {
        rmSync(join(root, 'a/b'), { recursive: true })
        writeFileSync(join(root, 'a/b'), 'a file now')
        rmSync(join(root, 'd'), { recursive: true })
        symlinkSync('e', join(root, 'd'))
        rmSync(join(root, '6'))
      })
      await change(2, (root) => {
        rmSync(join(root, 'd'))
        mkdirSync(join(root, 'd'))
        writeFileSync(join(root, 'd/7'), '7')
        rmSync(join(root, 'a/1'))
      })
      for (const tag of ['1', '2', '3']) {
        const entries = await entriesIn(layout, { reference: tag })
        const theirs = await umociUnpack(layout, tag)
        refuseDifferences(compareTree(tag, expectedFrom(entries), theirs as FoundEntry[]))
      }
    }))

  test('the platform of an index', () =>
    inFolder(async (folder) => {
      const layout = join(folder, 'layout')
      const umoci = (...args: string[]) => mustRun('umoci', args)
      await umoci('init', '--layout', layout)
      for (const architecture of ['arm64', 'riscv64']) {
        const image = `${layout}:${architecture}`
        writeFileSync(join(folder, 'name'), architecture)
        await umoci('new', '--image', image)
        await umoci('insert', '--image', image, join(folder, 'name'), '/name')
        await umoci('config', '--image', image, '--architecture', architecture)
      }
      expect(shown(await entriesIn(layout, { platform: 'linux/arm64' }))).toEqual({ name: 'f arm64' })
      expect(shown(await entriesIn(layout, { reference: 'riscv64' }))).toEqual({ name: 'f riscv64' })
      await expect(entriesIn(layout)).rejects.toThrow(
        'found "arm64" for linux/arm64, "riscv64" for linux/riscv64',
      )
    }))
})

describe.skipIf(!requireJudge('tar'))('an archive', () => {
  const layout = tagged(LAYERS)

  test('of GNU tar, in a file and from a named pipe', () =>
    withLayout(layout, (unpacked) =>
      inFolder(async (folder) => {
        const archive = join(folder, 'layout.tar')
        await mustRun('tar', ['-C', unpacked, '-cf', archive, '.'])
        const expected = await summaryOf(unpacked)
        expect(await summaryOf(archive)).toEqual(expected)
        const pipe = join(folder, 'pipe')
        await mustRun('mkfifo', [pipe])
        const writing = mustRun('sh', ['-c', `gzip -1 < ${archive} > ${pipe}`])
        expect(await summaryOf(pipe)).toEqual(expected)
        await writing
      }),
    ))

  test('with a blob that is stored as a sparse file', () =>
    withLayout(
      tagged([plainLayerOf({ path: 'a', type: 'file', content: new Uint8Array(1 << 20) })]),
      (unpacked) =>
        inFolder(async (folder) => {
          const archive = join(folder, 'layout.tar')
          await mustRun('sh', ['-c', `for f in ${unpacked}/blobs/sha256/*; do fallocate -d $f; done`])
          await mustRun('tar', ['-C', unpacked, '--sparse', '--hole-detection=raw', '-cf', archive, '.'])
          await expect(entriesIn(archive)).rejects.toThrow(
            /stored as a sparse file: pack the layout without --sparse/,
          )
        }),
    ))
})
