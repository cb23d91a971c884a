import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { WritableStream } from 'node:stream/web'
import { describe, expect, test } from 'vitest'
import { buildImage, InputError } from 'diskwright'
import type { Progress } from '../../src/build/progress.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { MAIN } from '../cli/diskwright.ts'
import { build, describeImage, inFolder, noise, text } from '../images/build.ts'
import { buildAndJudge, judge } from '../images/judge.ts'
import { expectedImage } from '../images/expected-image.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { mtoolsCopyAll, mtoolsList } from '../judges/mtools.ts'
import { extractPartition } from '../judges/partition.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sfdiskJson } from '../judges/sfdisk.ts'
import { zstdDecompress, zstdTest } from '../judges/zstd.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const MIB = 1024 * KIB

const CLOSURE: TarInput[] = [
  { path: '', type: 'directory', mode: 0o755, mtime: { sec: 1, nsec: 0 } },
  { path: 'boot', type: 'directory', mode: 0o700 },
  { path: 'boot/Image', type: 'file', content: noise(3 * MIB + 5) },
  { path: 'boot/extlinux/extlinux.conf', type: 'file', content: 'default nixos\n' },
  { path: 'nix/store/a', type: 'directory', mode: 0o555 },
  {
    path: 'nix/store/a/lib',
    type: 'file',
    mode: 0o444,
    content: text(2 * MIB + 77),
    mtime: { sec: 1, nsec: 0 },
  },
  { path: 'nix/store/b', type: 'hardlink', target: 'nix/store/a/lib' },
  { path: 'boot/lib', type: 'hardlink', target: 'nix/store/b' },
  { path: 'run', type: 'symlink', target: '/nix/store/a', mode: 0o777 },
  { path: 'home/sparse', type: 'file', content: new Uint8Array(MIB) },
]
const LAYOUT = {
  subvolumes: [
    { name: '@', path: '/' },
    { name: '@boot', path: '/boot', nodatacow: true },
    { name: '@nix', path: '/nix' },
    { name: '@snapshots', path: '/.snapshots' },
  ],
  links: { boot: '@boot' },
}

/** FAT32 from a folder and from an archive, then BTRFS, as on a Raspberry Pi. Its sources lie in the folder. */
function piImage(folder: string): ImageSpec {
  mkdirSync(join(folder, 'firmware/overlays'), { recursive: true })
  writeFileSync(join(folder, 'firmware/config.txt'), 'arm_64bit=1\n')
  writeFileSync(join(folder, 'firmware/overlays/long name of an overlay.dtbo'), noise(5000))
  const more: TarInput[] = [{ path: 'kernel8.img', type: 'file', content: noise(MIB, 3) }]
  writeFileSync(join(folder, 'more.tar'), buildTar(more))
  const spec = describeImage(folder, [{ entries: CLOSURE }], {
    ...LAYOUT,
    compression: 'zstd',
    bootable: true,
  })
  const sources = [{ directory: 'firmware' }, { tar: 'more.tar', to: '/boot' }]
  return {
    ...spec,
    partitions: [{ type: 'fat32', label: 'FIRMWARE', size: '64MiB', sources }, ...spec.partitions],
  }
}

test('the level of the output changes its size, not the image', async () => {
  await inFolder(async (folder) => {
    const spec = describeImage(folder, [{ entries: [{ path: 'text', type: 'file', content: text(MIB) }] }])
    const sizes: number[] = []
    const images: Buffer[] = []
    for (const outputLevel of [1, 19]) {
      const output = join(folder, `level-${outputLevel}.img.zst`)
      sizes.push((await buildImage(spec, { output, outputLevel, baseDirectory: folder })).outputSize)
      if (!requireJudge('zstd')) return
      await zstdDecompress(output, join(folder, 'image'))
      images.push(readFileSync(join(folder, 'image')))
    }
    expect(sizes[1]).toBeLessThan(sizes[0])
    expect(images[1].equals(images[0])).toBe(true)
  })
})

describe('an image of two partitions', () => {
  const canJudgeFat = ['fsck.fat', 'mdir', 'mcopy'].map(requireJudge).every((there) => there)

  test('stands all judges', async () => {
    await inFolder(async (folder) => {
      const built = await build(folder, piImage(folder))
      const expected = expectedImage([{ entries: CLOSURE }], LAYOUT)
      await judge(built, expected, { exercise: true, kernel: { expectNodatacow: ['@boot', '@boot/lib'] } })

      const [fat, btrfs] = built.result.partitions
      if (requireJudge('sfdisk')) {
        const { id, partitions } = await sfdiskJson(built.image)
        expect(built.result.table).toEqual({ type: 'mbr', diskId: id })
        expect(
          partitions.map(({ start, size, type, bootable }) => ({ start, size, type, bootable })),
        ).toEqual([
          { start: 2048, size: fat.size / 512, type: 'c', bootable: undefined },
          { start: btrfs.start / 512, size: btrfs.size / 512, type: '83', bootable: true },
        ])
      }
      if (!canJudgeFat) return
      const volume = join(folder, 'fat')
      await extractPartition(built.image, fat, volume)
      await fsckFat(volume)
      const paths = [
        'boot/',
        'boot/kernel8.img',
        'config.txt',
        'overlays/',
        'overlays/long name of an overlay.dtbo',
      ]
      expect((await mtoolsList(volume)).sort()).toEqual(paths)
      mkdirSync(join(folder, 'copied'))
      await mtoolsCopyAll(volume, join(folder, 'copied'))
      expect(readFileSync(join(folder, 'copied/boot/kernel8.img')).equals(noise(MIB, 3))).toBe(true)
    })
  })

  test('is told of in numbers', async () => {
    await inFolder(async (folder) => {
      const { result, btrfs } = await build(folder, piImage(folder))
      expect(result).toMatchObject({
        format: 'img',
        outputSize: result.imageSize,
        output: join(folder, 'disk.img'),
      })
      expect(result.partitions[0]).toMatchObject({
        number: 1,
        type: 'fat32',
        start: MIB,
        size: 64 * MIB,
        files: 3,
        directories: 3,
      })
      expect(btrfs).toMatchObject({ number: 2, start: 65 * MIB, symlinks: 2, specials: 0, hardLinks: 1 })
      expect(btrfs.bytesIn).toBe(3 * MIB + 5 + 14 + 2 * MIB + 77 + MIB)
      expect(btrfs.subvolumes.map(({ id, name, files }) => [id, name, files])).toEqual([
        [5, '', 0],
        [256, '@', 1],
        [257, '@boot', 3],
        [258, '@nix', 1],
        [259, '@snapshots', 0],
      ])
    })
  })
})

describe('the same description and sources', () => {
  test('give the same bytes: again, by the command, elsewhere, compressed, as a stream', async () => {
    await inFolder(async (folder) => {
      const { image, spec } = await build(folder, piImage(folder))
      const bytes = readFileSync(image)
      const same = (other: Uint8Array) => expect(bytes.equals(other)).toBe(true)

      await buildImage(spec, { output: join(folder, 'again.img'), baseDirectory: folder })
      same(readFileSync(join(folder, 'again.img')))

      writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec))
      const command = `umask 077; exec "$0" "$1" build ../spec.json -o ../by-command.img --quiet`
      mkdirSync(join(folder, 'elsewhere'))
      const child = spawn('sh', ['-c', command, process.execPath, MAIN], {
        cwd: join(folder, 'elsewhere'),
        env: { PATH: process.env.PATH, TZ: 'Pacific/Auckland', LANG: 'tr_TR.UTF-8' },
        stdio: 'inherit',
      })
      expect(await new Promise((done) => child.on('close', done))).toBe(0)
      same(readFileSync(join(folder, 'by-command.img')))

      const compressed = join(folder, 'disk.img.zst')
      const { format, outputSize } = await buildImage(spec, { output: compressed, baseDirectory: folder })
      expect({ format, outputSize }).toEqual({ format: 'img.zst', outputSize: statSync(compressed).size })
      if (requireJudge('zstd')) {
        await zstdTest(compressed)
        await zstdDecompress(compressed, join(folder, 'decompressed.img'))
        same(readFileSync(join(folder, 'decompressed.img')))
      }

      const pieces: Uint8Array[] = []
      const stream = new Writable({
        write(piece: Uint8Array, _, done) {
          pieces.push(Uint8Array.from(piece))
          setImmediate(done)
        },
      })
      await buildImage(spec, { output: stream, baseDirectory: folder })
      expect(stream.writableFinished).toBe(true)
      same(Buffer.concat(pieces))

      pieces.length = 0
      let closed = false
      const web = new WritableStream<Uint8Array>({
        write: (piece) => void pieces.push(Uint8Array.from(piece)),
        close: () => void (closed = true),
      })
      const streamed = await buildImage(spec, { output: web, format: 'img.zst', baseDirectory: folder })
      expect(closed).toBe(true)
      expect(streamed.output).toBeUndefined()
      expect(Buffer.concat(pieces).equals(readFileSync(compressed))).toBe(true)
    })
  })

  test('with another seed give other identities, and the same size', async () => {
    await inFolder(async (folder) => {
      const { spec, result, btrfs } = await build(folder, piImage(folder))
      rmSync(join(folder, 'disk.img'))
      const other = await build(folder, { ...spec, seed: 'another' })
      expect(other.btrfs.uuid).not.toBe(btrfs.uuid)
      expect(other.result.table).not.toEqual(result.table)
      expect(other.result.imageSize).toBe(result.imageSize)
    })
  })
})

describe('sources', () => {
  test('follow each other, below paths of their own', async () => {
    await buildAndJudge(
      [
        { entries: CLOSURE },
        {
          to: '/boot/firmware',
          entries: [
            { path: '', type: 'directory', mode: 0o711 },
            { path: 'u-boot.bin', type: 'file', content: noise(70_000) },
            { path: 'again', type: 'hardlink', target: 'u-boot.bin' },
          ],
        },
        {
          entries: [
            { path: 'nix/store/a/lib', type: 'file', content: 'replaced' },
            { path: 'run', type: 'directory' },
            { path: 'run/user', type: 'fifo' },
            { path: 'boot', type: 'directory', mode: 0o701, mtime: { sec: 99, nsec: 99 } },
          ],
        },
      ],
      LAYOUT,
    )
  })

  test.each<[string, TarInput[], object, RegExp]>([
    [
      'a subvolume',
      [{ path: '@boot', type: 'file', content: 'x' }],
      {
        subvolumes: [
          { name: '', path: '/' },
          { name: '@boot', path: '/boot' },
        ],
      },
      /subvolume at the top level: entry "@boot": the sources put something else there/,
    ],
    [
      'a link',
      [{ path: 'boot', type: 'directory' }],
      { links: { boot: '@boot' } },
      /link at the top level: entry "boot": the sources put something else there/,
    ],
    [
      'the root of a subvolume',
      [{ path: 'boot', type: 'symlink', target: 'x' }],
      LAYOUT,
      /source-0\.tar: entry "boot" at offset 0: "boot" is the root of subvolume "@boot"/,
    ],
    [
      'a file, as if it were a directory',
      [
        { path: 'a', type: 'file', content: 'x' },
        { path: 'a/b', type: 'file', content: 'x' },
      ],
      {},
      /source-0\.tar: entry "a\/b" at offset 1024: "a" is a file, not a directory/,
    ],
  ])('cannot take the place of %s', async (_, entries, options, complaint) => {
    await inFolder(async (folder) => {
      const result = build(folder, describeImage(folder, [{ entries }], options))
      await expect(result).rejects.toThrow(complaint)
      await expect(result).rejects.toThrow(InputError)
      expect(readdirSync(folder)).toEqual(['source-0.tar'])
    })
  })
})

describe('nothing is left of a build', () => {
  const outputs = ['disk.img', 'disk.img.zst']

  /** Builds until `stop` aborts it, and gives what the promise was rejected with. */
  async function abortWhen(
    folder: string,
    output: string,
    stop: (progress: Progress) => boolean,
  ): Promise<unknown> {
    const spec = piImage(folder)
    const before = readdirSync(folder)
    const controller = new AbortController()
    const reason = new Error('enough')
    const error: unknown = await buildImage(spec, {
      output: join(folder, output),
      baseDirectory: folder,
      signal: controller.signal,
      onProgress: (progress) => {
        if (stop(progress)) controller.abort(reason)
      },
    }).then(
      () => 'nothing: it was built',
      (error: unknown) => error,
    )
    expect(readdirSync(folder)).toEqual(before)
    return error === reason ? 'the reason' : error
  }

  test.each([
    ['at once', () => true],
    ['while it reads a folder', ({ step }: Progress) => step.includes('firmware')],
    ['while it writes FAT32', ({ step, done }: Progress) => step === 'writing FIRMWARE' && done > 0],
    ['while it reads an archive', ({ step, done }: Progress) => step.includes('source-0') && done > MIB],
    ['before it writes trees', ({ step }: Progress) => step.startsWith('writing the trees')],
    ['before it is finished', ({ step }: Progress) => step === 'finishing'],
  ])('that is aborted %s', async (_, stop) => {
    for (const output of outputs) {
      expect(await inFolder((folder) => abortWhen(folder, output, stop))).toBe('the reason')
    }
  })

  test('that was aborted before it began', async () => {
    await inFolder(async (folder) => {
      const signal = AbortSignal.abort(new Error('too late'))
      const result = buildImage(piImage(folder), {
        output: join(folder, 'x.img'),
        baseDirectory: folder,
        signal,
      })
      await expect(result).rejects.toThrow('too late')
      expect(existsSync(join(folder, 'x.img'))).toBe(false)
    })
  })

  test('whose source ends too soon, but for the file that was to be replaced', async () => {
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [{ entries: CLOSURE }])
      const tar = join(folder, 'source-0.tar')
      writeFileSync(tar, readFileSync(tar).subarray(0, 2 * MIB))
      for (const output of outputs.map((name) => join(folder, name))) {
        await expect(buildImage(spec, { output, baseDirectory: folder })).rejects.toThrow(
          /source-0\.tar.*truncated/,
        )
        expect(readdirSync(folder).filter((name) => name.includes('disk'))).toEqual([])
        writeFileSync(output, 'old')
        await expect(buildImage(spec, { output, baseDirectory: folder })).rejects.toThrow(/exists/)
        await expect(buildImage(spec, { output, baseDirectory: folder, force: true })).rejects.toThrow(
          InputError,
        )
        expect(readFileSync(output, 'utf8')).toBe('old')
        rmSync(output)
      }
      expect(readdirSync(folder)).toEqual(['source-0.tar'])
    })
  })

  test('to a stream, which is broken off', async () => {
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [{ entries: [{ path: 'a', type: 'hardlink', target: 'none' }] }])
      let written = 0
      const stream = new Writable({
        write(piece: Uint8Array, _, done) {
          written += piece.length
          done()
        },
      })
      stream.on('error', () => undefined)
      await expect(buildImage(spec, { output: stream, baseDirectory: folder })).rejects.toThrow(InputError)
      expect(stream.destroyed).toBe(true)
      expect(stream.writableFinished).toBe(false)
      expect(written).toBe(0)
    })
  })

  test('that was killed, under the name of its target', async () => {
    await inFolder(async (folder) => {
      for (const output of outputs) {
        const child = spawn(process.execPath, [MAIN, 'build', '--closure', '-', '-o', output], {
          cwd: folder,
        })
        const closed = new Promise((done) => child.on('close', (_, signal) => done(signal)))
        // The archive never ends: the build is under way until it is killed.
        child.stdin.on('error', () => {}).write(buildTar(CLOSURE).subarray(0, 2 * MIB))
        while (readdirSync(folder).length === 0) await new Promise((done) => setTimeout(done, 10))
        child.kill('SIGKILL')
        expect(await closed).toBe('SIGKILL')
        expect(existsSync(join(folder, output))).toBe(false)
        for (const name of readdirSync(folder)) rmSync(join(folder, name))
      }
    })
  })
})
