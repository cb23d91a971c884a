/** Images that are built from files that are handed over have the bytes of those that are built from the disk. */
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  buildImage,
  MemoryFile,
  openImage,
  verifyImage,
  type BrowserBuildOptions,
} from '../../src/browser/index.ts'
import { buildImage as buildOnDisk } from 'diskwright'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { noise } from '../images/build.ts'
import { readableImage } from '../images/readable.ts'

const SECONDS = 1_700_000_000

let folder: string
let spec: ImageSpec
let files: Record<string, File | Uint8Array>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-given-'))
  spec = readableImage(folder)
  files = { 'root.tar': given('root.tar') }
  // Folders that are handed over have no times.
  utimesSync(join(folder, 'firmware/overlays'), 0, 0)
  for (const name of ['config.txt', 'overlays/a longer name.dtbo', 'kernel8.img']) {
    const path = `firmware/${name}`
    utimesSync(join(folder, path), SECONDS, SECONDS)
    files[path] = given(path)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const given = (path: string) =>
  new File([readFileSync(join(folder, path))], path, { lastModified: SECONDS * 1000 })

async function onDisk(described: ImageSpec, name: string): Promise<Uint8Array> {
  const output = join(folder, name)
  await buildOnDisk(described, { output, baseDirectory: folder, force: true })
  return readFileSync(output)
}

async function fromFiles(
  described: ImageSpec,
  options: Partial<BrowserBuildOptions> = {},
): Promise<Uint8Array> {
  const output = new MemoryFile()
  await buildImage(described, { output, files, ...options })
  return bytesOf(output)
}

function bytesOf(file: MemoryFile): Uint8Array {
  const bytes = new Uint8Array(file.size)
  file.read(bytes, { at: 0 })
  return bytes
}

const expectSame = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0)

describe('the same bytes as on a disk', () => {
  test.each(['img', 'img.zst'] as const)('%s', async (format) => {
    expectSame(await fromFiles(spec, { format }), await onDisk(spec, `disk.${format}`))
  })

  test('a compressed archive, and files of the description', async () => {
    const packed = gzipSync(readFileSync(join(folder, 'root.tar')))
    writeFileSync(join(folder, 'root.tar.gz'), packed)
    const [firmware, root] = spec.partitions
    const described = {
      ...spec,
      partitions: [
        firmware,
        {
          ...root,
          sources: [
            { tar: './root.tar.gz' },
            { files: { '/etc/motd': 'hello\n', '/boot/kernel': { from: 'firmware/kernel8.img' } } },
          ],
        },
      ],
    } as ImageSpec
    expectSame(
      await fromFiles(described, { files: { ...files, 'root.tar.gz': packed } }),
      await onDisk(described, 'files.img.zst'),
    )
  })

  test.each(['img', 'img.zst'] as const)(
    'partitions that are written in another order, and raw ones (%s)',
    async (format) => {
      writeFileSync(join(folder, 'loader.bin'), noise(70_000, 3))
      const described: ImageSpec = {
        seed: 'mounts',
        table: { type: 'gpt' },
        fstab: true,
        sources: [{ tar: 'root.tar' }],
        partitions: [
          { type: 'raw', source: 'loader.bin', start: '1MiB' },
          {
            type: 'fat32',
            label: 'EFI',
            start: '2MiB',
            size: '64MiB',
            mount: '/run',
            sources: [{ directory: 'firmware' }],
          },
          { type: 'btrfs', label: 'HOME', start: '66MiB', size: '200MiB', mount: '/home' },
          { type: 'btrfs', label: 'ROOT', size: 'fit', mount: '/', compression: 'zstd:3' },
        ],
      }
      const { tar, ...rest } = { tar: given('root.tar'), ...files }
      const loader = { 'loader.bin': given('loader.bin') }
      // A pipe on FAT is left out, or refused: so what is mounted there takes none.
      described.sources = [{ tar: 'root.tar', exclude: ['/run/pipe'] }]
      expectSame(
        await fromFiles(described, { format, files: { ...rest, 'root.tar': tar, ...loader } }),
        await onDisk(described, `mounts.${format}`),
      )
    },
  )

  test('a firmware partition with U-Boot', async () => {
    const described: ImageSpec = {
      table: { type: 'mbr' },
      uboot: { check: false },
      partitions: [
        {
          type: 'fat32',
          size: '64MiB',
          firmware: { directory: 'firmware', ubootPi4: 'firmware/kernel8.img' },
        },
        { type: 'btrfs', size: 'fit', sources: [{ tar: 'root.tar' }] },
      ],
    }
    expectSame(await fromFiles(described), await onDisk(described, 'firmware.img.zst'))
  })
})

test('the image is sound, and its result says what it is', async () => {
  const output = new MemoryFile()
  const steps = new Set<string>()
  const { format, imageSize, outputSize, partitions } = await buildImage(spec, {
    output,
    files,
    onProgress: ({ step }) => void steps.add(step),
  })
  expect({ format, outputSize }).toEqual({ format: 'img.zst', outputSize: output.size })
  expect(partitions.map(({ type }) => type)).toEqual(['fat32', 'btrfs'])
  expect([...steps]).toContain('reading root.tar')
  const image = await openImage(output.blob())
  expect(image.size).toBe(imageSize)
  expect((await verifyImage(image)).findings).toEqual([])
})

describe('errors', () => {
  test.each([
    [{ tar: 'other.tar' }, /^other\.tar: no file of this name was given: found "root\.tar", "firmware/],
    [
      { directory: 'firm' },
      /^firm: no files of this folder were given: expected names that begin with firm\//,
    ],
    [{ oci: 'image.tar' }, /^image\.tar: a source "oci" needs a machine with files: expected "tar"/],
    [{ directory: 'firmware', owner: 'keep' }, /^firmware: "owner" needs a machine with files/],
  ])('%j', async (source, message) => {
    const output = new MemoryFile()
    const described = {
      table: { type: 'none' },
      partitions: [{ type: 'btrfs', size: 'fit', sources: [source] }],
    } as ImageSpec
    await expect(buildImage(described, { output, files })).rejects.toThrow(message)
    expect(output.size).toBe(0)
  })

  test('a file that is full leaves an empty one', async () => {
    const output = new MemoryFile()
    const full = {
      read: output.read.bind(output),
      truncate: output.truncate.bind(output),
      write: (bytes: Uint8Array, at: { at: number }) => (at.at > 2 ** 21 ? 0 : output.write(bytes, at)),
    }
    await expect(buildImage(spec, { output: full, files, format: 'img' })).rejects.toThrow(
      /^output: cannot write: no space left$/,
    )
    expect(output.size).toBe(0)
  })

  test('one that is aborted, too', async () => {
    const output = new MemoryFile()
    const abort = new AbortController()
    const building = buildImage(spec, {
      ...{ output, files, signal: abort.signal },
      onProgress: ({ done }) => (done > 0 ? abort.abort(new Error('enough')) : undefined),
    })
    await expect(building).rejects.toThrow('enough')
    expect(output.size).toBe(0)
  })

  test('wrong options', async () => {
    await expect(buildImage(spec, { output: {} as MemoryFile })).rejects.toThrow(
      'buildImage: option output: expected an object with read() and write() and truncate(), found an object',
    )
    await expect(buildImage(spec, { output: new MemoryFile(), workers: 1 } as never)).rejects.toThrow(
      'unknown option workers',
    )
  })
})
