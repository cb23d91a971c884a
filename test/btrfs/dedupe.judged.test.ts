/** Files of equal content share their extents; what is not equal in every byte does not. */
import { toLatin1 } from '../../src/lib/byte-string.ts'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DataAllocator } from '../../src/btrfs/write/chunks.ts'
import { deviceSink } from '../../src/btrfs/write/device-sink.ts'
import { FileTable } from '../../src/btrfs/write/file-data.ts'
import type { EncodedPiece } from '../../src/btrfs/write/batch-memory.ts'
import { ExtentPlacer } from '../../src/btrfs/write/place.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'
import { build, describeImage, inFolder, noise, text } from '../images/build.ts'
import { buildAndJudge, judge } from '../images/judge.ts'
import { expectedImage } from '../images/expected-image.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const MIB = 1024 * KIB

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
const changed = (content: Uint8Array, at: number) => content.map((byte, i) => (i === at ? byte ^ 1 : byte))

const plain = noise(700 * KIB + 5)
const packed = text(900 * KIB + 5)
const holes = new Uint8Array(MIB + 300)
holes.set(noise(5000), 300 * KIB)

describe('files of equal content', () => {
  const twins = [plain, packed, holes].flatMap((content, i) => [
    file(`first/${i}`, content),
    file(`second/${i}`, content),
    file(`home/third/${i}`, content),
  ])
  const subvolumes = [
    { name: '@', path: '/' },
    { name: '@home', path: '/home' },
  ]

  test('share their extents, in every subvolume', async () => {
    await buildAndJudge(twins, { subvolumes, compression: 'zstd' }, { exercise: true }, ({ btrfs }) => {
      const once = [plain, holes.subarray(0, 8192)].reduce((sum, { length }) => sum + length, 0)
      expect(btrfs.bytesStored).toBeGreaterThan(once)
      expect(btrfs.bytesStored).toBeLessThan(once + 200 * KIB)
      expect(btrfs.bytesIn).toBe(3 * (plain.length + packed.length + holes.length))
    })
  })

  test('have extents of their own when the description says so', async () => {
    const options = { subvolumes, compression: 'zstd' as const, dedupe: false }
    await buildAndJudge(twins, options, {}, ({ btrfs }) => {
      expect(btrfs.bytesStored).toBeGreaterThan(3 * plain.length)
    })
  })

  test('share them in an image of zstd frames, too', async () => {
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [{ entries: twins }], { subvolumes, compression: 'zstd' })
      const raw = await build(folder, spec)
      const { buildImage } = await import('diskwright')
      const output = join(folder, 'disk.img.zst')
      await buildImage(spec, { output, baseDirectory: folder })
      const image = execFileSync('zstd', ['-dc', output], { maxBuffer: 2 ** 30 })
      expect(image.equals(readFileSync(raw.image))).toBe(true)
    })
  })

  test('never share between NODATACOW and others, nor among NODATACOW', async () => {
    const entries = [file('a', plain), file('boot/a', plain), file('boot/b', plain)]
    const options = { subvolumes: [...subvolumes, { name: '@boot', path: '/boot', nodatacow: true }] }
    await buildAndJudge(entries, options, {}, ({ btrfs }) => {
      expect(btrfs.bytesStored).toBeGreaterThan(3 * plain.length)
    })
  })

  test('that differ late, after the same beginning', async () => {
    const entries = [plain, packed].flatMap((content, i) => {
      const variants = [content, changed(content, 400 * KIB), changed(content, content.length - 1)]
      // Each of them twice, and the second time in another order.
      return [...variants, variants[2], variants[0], variants[1]].map((variant, j) =>
        file(`${i}/${j}`, variant),
      )
    })
    await buildAndJudge(entries, { compression: 'zstd' }, {}, ({ btrfs }) => {
      expect(btrfs.bytesStored).toBeLessThan(3 * (plain.length + 8192) + 3 * 200 * KIB)
      expect(btrfs.bytesStored).toBeGreaterThan(3 * plain.length)
    })
  })

  test.runIf(canJudgeWithKernel())('outlive each other', async () => {
    await inFolder(async (folder) => {
      const { image, btrfs } = await build(folder, describeImage(folder, [{ entries: twins }], {}))
      const mountPoint = mkdtempSync(join(tmpdir(), 'dedupe-'))
      const device = await attachLoop(image, btrfs, { readonly: false })
      try {
        execFileSync('mount', [device, mountPoint])
        try {
          execFileSync('sh', [
            '-c',
            'rm -r "$1/first"; echo changed >> "$1/second/0"; sync',
            'sh',
            mountPoint,
          ])
          execFileSync('sh', ['-c', 'echo 3 > /proc/sys/vm/drop_caches'])
          expect(readFileSync(join(mountPoint, 'home/third/0')).equals(plain)).toBe(true)
          expect(readFileSync(join(mountPoint, 'second/1')).equals(packed)).toBe(true)
        } finally {
          execFileSync('umount', [mountPoint])
        }
      } finally {
        await detachLoop(device)
        rmdirSync(mountPoint)
      }
      const left = [
        ...twins.filter(({ path }) => !/^(first|second\/0)/.test(toLatin1(path))),
        file('second/0', plain),
      ]
      // What was read or changed has new times.
      const expected = expectedImage([{ entries: left }])
        .get('')!
        .map((entry) => ({ ...entry, atime: undefined, ctime: undefined }))
      const written = Buffer.concat([plain, Buffer.from('changed\n')])
      const second = expected.find(({ path }) => path === 'second/0')!
      Object.assign(second, { content: written, mtime: undefined })
      Object.assign(
        expected.find(({ path }) => path === '')!,
        { mtime: undefined },
      )
      await judge({ image, btrfs }, new Map([['', expected]]))
    })
  })
})

test('equal checksums of unequal bytes deceive nobody', async () => {
  const disk = new Map<number, Uint8Array>()
  const placer = new ExtentPlacer({
    allocator: new DataAllocator(MIB),
    checksumSize: CRC32C.size,
    dedupe: true,
    sink: deviceSink(
      {
        write: (offset, bytes) => void disk.set(offset, bytes.slice()),
        writeTwice: () => Promise.resolve(),
        reserve: () => undefined,
        patch: () => undefined,
        read: (offset, length) => Promise.resolve(disk.get(offset)!.subarray(0, length)),
      },
      Infinity,
    ),
  })
  const files = new FileTable()
  const place = async (content: Uint8Array) => {
    const data = files.add(content.length, { nodatacow: false })
    const checksums = Uint8Array.of(7, 0, 0, 0)
    const piece: EncodedPiece = { stored: content, compression: 0, incompressible: false, checksums }
    await placer.place({ file: data, fileOffset: 0, length: content.length }, piece)
    return data.firstExtent
  }
  const [one, other] = [noise(4096, 1), noise(4096, 2)]
  expect(await place(one)).toBe(0)
  expect(await place(other)).toBe(1)
  expect(await place(one)).toBe(0)
})
