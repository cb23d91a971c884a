import { fstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBytes, type ImageBytes, type InputOptions } from '../../src/input/open-bytes.ts'
import type { ImageSource } from '../../src/input/open-input.ts'
import { CorruptError, InputError, OutputError } from '../../src/lib/errors.ts'
import { noise, text } from '../images/build.ts'
import { lowestFreeDescriptor, seekableZstd, SOURCE_KINDS } from './sources.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-input-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Some of everything: text, noise, zeros. */
const CONTENT = Buffer.concat([
  text(200_000),
  noise(100_001),
  new Uint8Array(3 << 20),
  noise(70_000, 2),
  text(50_000, 2),
])

async function using<T>(
  image: ImageSource,
  work: (bytes: ImageBytes) => Promise<T>,
  options?: InputOptions,
): Promise<T> {
  const bytes = await openBytes(image, options)
  try {
    return await work(bytes)
  } finally {
    await bytes.close()
  }
}

const anyRange = fc.tuple(fc.nat(CONTENT.length + 1000), fc.oneof(fc.nat(5000), fc.nat(CONTENT.length)))

/** Any range, read either way, is what the content has there. */
async function expectContent({ source }: ImageBytes, numRuns = 20): Promise<void> {
  expect(source.size).toBe(CONTENT.length)
  await fc.assert(
    fc.asyncProperty(anyRange, async ([offset, length]) => {
      const expected = CONTENT.subarray(offset, offset + length)
      expect(expected.equals(await source.read(offset, length))).toBe(true)
      if (source.readSync) expect(expected.equals(source.readSync(offset, length))).toBe(true)
    }),
    { numRuns },
  )
}

describe.each(Object.entries(SOURCE_KINDS))('an image given as %s', (kind, create) => {
  test.each([
    ['as it is', () => CONTENT],
    ['as seekable zstd', () => seekableZstd(CONTENT)],
    ['as gzip', () => gzipSync(CONTENT)],
  ])('is read at any place: %s', async (_, encode) => {
    const { image, release } = await create(await encode(), folder)
    await using(image, (bytes) => expectContent(bytes, 8))
    await release()
  })

  test('answers at once where the source does', async () => {
    const { image, release } = await create(CONTENT, folder)
    await using(image, async ({ source }) => {
      expect(source.readSync !== undefined).toBe(!['Blob', 'slow ByteSource'].includes(kind))
      await Promise.resolve()
    })
    await release()
  })
})

test('short reads of a file answer at once, long ones do not hold the thread', async () => {
  const path = join(folder, 'file')
  writeFileSync(path, CONTENT)
  await using(path, async ({ source }) => {
    expect(source.read(5, 1000)).toBeInstanceOf(Uint8Array)
    const long = source.read(5, 1 << 20)
    expect(long).toBeInstanceOf(Promise)
    expect(CONTENT.subarray(5, 5 + (1 << 20)).equals(await long)).toBe(true)
  })
})

test('a file that is open stays open, one that is opened here is closed', async () => {
  const path = join(folder, 'file')
  writeFileSync(path, CONTENT)
  const handle = await open(path)
  await using(handle, (bytes) => expectContent(bytes, 3))
  expect((await handle.stat()).size).toBe(CONTENT.length)
  await handle.close()

  const free = lowestFreeDescriptor()
  const bytes = await openBytes(path)
  await bytes.close()
  expect(lowestFreeDescriptor()).toBe(free)
  expect(() => bytes.source.read(0, 10)).toThrow('read after it was closed')
})

test('what cannot be read at any place is refused', async () => {
  mkdirSync(join(folder, 'directory'))
  const server = createServer().listen(join(folder, 'socket'))
  await expect(openBytes(join(folder, 'directory'))).rejects.toThrow('found a directory')
  await expect(openBytes(join(folder, 'socket'))).rejects.toThrow('found a socket')
  await expect(openBytes('/dev/null')).rejects.toThrow('found a character device')
  await expect(openBytes(join(folder, 'missing'))).rejects.toThrow('missing: no such file')
  writeFileSync(join(folder, 'file'), '')
  await expect(openBytes(join(folder, 'file', 'inside'))).rejects.toThrow(/inside: not a directory$/)
  await expect(openBytes(join(folder, 'directory'))).rejects.toThrow(InputError)
  await expect(openBytes({ size: NaN, read: () => new Uint8Array() })).rejects.toThrow('expected a size')
  server.close()
})

describe('seekable zstd', () => {
  test.each([
    ['frames of one size', { frameSizes: [65536] }],
    ['frames of odd sizes', { frameSizes: [1, 100_000, 4097, 262_144] }],
    ['checksums', { frameSizes: [100_000], checksums: true }],
  ])('is read at random: %s', async (_, options) => {
    const notices: string[] = []
    const file = await seekableZstd(CONTENT, options)
    await using(
      file,
      async (bytes) => {
        await expectContent(bytes, 100)
        expect(bytes.compression).toMatchObject({ format: 'zstd', storedBytes: file.length })
        expect(bytes.compression!.frames).toBeGreaterThan(10)
      },
      { onNotice: (notice) => notices.push(notice) },
    )
    expect(notices).toEqual([])
  })

  test('decompresses the frames it needs, and each once', async () => {
    await using(await seekableZstd(CONTENT), async ({ source, statistics }) => {
      expect(statistics.framesDecompressed).toBe(0)
      await source.read(65536 * 2 + 10, 65536)
      expect(statistics.framesDecompressed).toBe(2)
      await source.read(65536 * 2, 2 * 65536)
      expect(statistics.framesDecompressed).toBe(2)
      expect(statistics.bytesRead).toBeLessThan(CONTENT.length / 10)
    })
  })

  test('keeps so many of them as fit', async () => {
    const file = await seekableZstd(new Uint8Array(80 << 20), { frameSizes: [8 << 20] })
    await using(file, async ({ source, statistics }) => {
      const readFrame = (frame: number) => source.read(frame * (8 << 20), 10)
      for (let frame = 0; frame < 10; frame++) await readFrame(frame)
      expect(statistics.framesDecompressed).toBe(10)
      for (const frame of [2, 9, 3]) await readFrame(frame)
      expect(statistics.framesDecompressed).toBe(10)
      await readFrame(0) // takes the place of the one not used for the longest time
      expect(statistics.framesDecompressed).toBe(11)
      await readFrame(2)
      expect(statistics.framesDecompressed).toBe(11)
      await readFrame(4)
      expect(statistics.framesDecompressed).toBe(12)
    })
  })

  test('a damaged frame is an error, and only where it is', async () => {
    const file = await seekableZstd(CONTENT)
    file.fill(0xff, 9, 20)
    await using(file, async ({ source }) => {
      await expect(async () => source.read(10, 10)).rejects.toThrow(CorruptError)
      await expect(async () => source.read(10, 10)).rejects.toThrow('zstd frame 0 at offset 0')
      expect(CONTENT.subarray(70_000, 80_000).equals(await source.read(70_000, 10_000))).toBe(true)
    })
  })

  test('a frame with other content than its checksum says is an error', async () => {
    const file = await seekableZstd(CONTENT, { checksums: true })
    file[file.length - 9 - 4] ^= 1 // checksum of the last one
    await using(file, async ({ source }) => {
      expect((await source.read(0, 100)).length).toBe(100)
      await expect(async () => source.read(CONTENT.length - 1, 1)).rejects.toThrow('checksum')
    })
  })

  test('a table with wrong sizes of content is an error where they are', async () => {
    const file = await seekableZstd(CONTENT)
    const view = new DataView(file.buffer, file.byteOffset, file.length)
    const frames = view.getUint32(file.length - 9, true)
    const first = file.length - 9 - frames * 8
    view.setUint32(first + 4, view.getUint32(first + 4, true) + 1, true)
    await using(file, async ({ source }) => {
      await expect(async () => source.read(0, 1)).rejects.toThrow(CorruptError)
    })
  })

  test.each([
    ['covers another size', (file: Uint8Array) => (file[file.length - 9 - 8] ^= 1), 'instead of'],
    [
      'has another header',
      (file: Uint8Array, view: DataView) => {
        view.setUint8(file.length - 9 - 8 * view.getUint32(file.length - 9, true) - 1, 0x55)
      },
      'is damaged',
    ],
    [
      'is larger than the file',
      (file: Uint8Array, view: DataView) => {
        view.setUint32(file.length - 9, 0x100000, true)
      },
      'larger than itself',
    ],
    [
      'is enormous',
      (file: Uint8Array, view: DataView) => {
        view.setUint32(file.length - 9, 0xffffffff, true)
      },
      'larger than itself',
    ],
  ] as [string, (file: Uint8Array, view: DataView) => void, string][])(
    'is decompressed as a whole when the table %s',
    async (_, damage, why) => {
      const file = await seekableZstd(CONTENT)
      damage(file, new DataView(file.buffer, file.byteOffset, file.length))
      const notices: string[] = []
      const opening = using(file, (bytes) => expectContent(bytes), {
        onNotice: (notice) => notices.push(notice),
      })
      // Damage of the frame around the table is found by the decompression.
      await opening.catch((error: unknown) => expect(error).toBeInstanceOf(InputError))
      expect(notices).toEqual([expect.stringContaining(why)])
    },
  )

  test('any damage gives an error of ours or other bytes, never anything else', async () => {
    const sound = await seekableZstd(CONTENT.subarray(0, 300_000), { checksums: true })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sound.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, change, cut) => {
          const file = cut ? sound.slice(0, at) : sound.slice()
          if (!cut) file[at] ^= change
          try {
            await using(file, async ({ source }) => {
              for (let offset = 0; offset < source.size; offset += 60_000) await source.read(offset, 10)
            })
          } catch (error) {
            if (!(error instanceof InputError || error instanceof CorruptError)) throw error
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('what can only be decompressed as a whole', () => {
  const plainZstd = async () => {
    const file = await seekableZstd(CONTENT, { frameSizes: [CONTENT.length] })
    return file.subarray(0, file.length - 8 - 8 - 9)
  }
  const lists = () => readdirSync(folder).filter((name) => name.includes('diskwright'))

  test.each([
    ['zstd without a seek table', plainZstd, 'has no seek table'],
    ['gzip', () => gzipSync(CONTENT), 'front to back'],
  ])('%s is, into a file without a name', async (_, encode, why) => {
    const notices: string[] = []
    const progress: number[] = []
    const free = lowestFreeDescriptor()
    const file = await encode()
    await using(
      file,
      async (bytes) => {
        await expectContent(bytes, 50)
        expect('readSync' in bytes.source).toBe(true)
        expect(bytes.compression).toMatchObject({ frames: 1, storedBytes: file.length })
        expect(lists()).toEqual([])
      },
      {
        temporaryDirectory: folder,
        onNotice: (notice) => notices.push(notice),
        onProgress: ({ done }) => progress.push(done),
      },
    )
    expect(notices).toEqual([expect.stringContaining(why)])
    expect(progress.at(-1)).toBe(file.length)
    expect(lowestFreeDescriptor()).toBe(free)
  })

  test('zeros take no space', async () => {
    const file = gzipSync(new Uint8Array(64 << 20), { level: 1 })
    const copy = lowestFreeDescriptor()
    await using(
      file,
      async ({ source }) => {
        expect(source.size).toBe(64 << 20)
        const { size, blocks } = fstatSync(copy)
        expect(size).toBe(64 << 20)
        expect(blocks * 512).toBeLessThan(1 << 20)
        expect((await source.read(5 << 20, 10)).every((byte) => byte === 0)).toBe(true)
      },
      { temporaryDirectory: folder },
    )
  })

  test('so is xz', async () => {
    // node -e "process.stdout.write(Buffer.alloc(300000, 'abc '))" | xz -9 | base64
    const file = Buffer.from(
      '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM5JPfAHRdADCYiJLqqLMhEa5DY/zt7xH0u1SzQsb+xmgjf+KdPWLONBwzUVol19YjUzhTJPKYTNn8yiDpi23gu8a0vu6pIWYOWpADC+LN7lMv2mmN2QeOCwXOxM9QFXTMfi6l5Xnt0y3+YZcGA1/JcDsUwDI3mJwcGB8AANS5g7TWgFWOAAGQAeCnEgAgke+RscRn+wIAAAAABFla',
      'base64',
    )
    await using(file, async ({ source, compression }) => {
      expect(compression).toEqual({ format: 'xz', frames: 1, storedBytes: file.length })
      expect(source.size).toBe(300_000)
      expect(Buffer.from(await source.read(299_998, 10)).toString()).toBe('c ')
    })
  })

  test('leaves nothing behind when it is truncated', async () => {
    const free = lowestFreeDescriptor()
    const file = await plainZstd()
    const opening = openBytes(file.subarray(0, file.length - 10), { temporaryDirectory: folder })
    await expect(opening).rejects.toThrow(InputError)
    expect(lowestFreeDescriptor()).toBe(free)
    expect(lists()).toEqual([])
  })

  test('is given up when the signal says so', async () => {
    const free = lowestFreeDescriptor()
    const abort = new AbortController()
    const reason = new Error('enough')
    const path = join(folder, 'noise.gz')
    writeFileSync(path, gzipSync(noise(8 << 20), { level: 1 }))
    const opening = openBytes(path, {
      signal: abort.signal,
      onProgress: () => abort.abort(reason),
      temporaryDirectory: folder,
    })
    await expect(opening).rejects.toBe(reason)
    expect(lowestFreeDescriptor()).toBe(free)
  })

  test('says so when there is no place for it', async () => {
    const opening = openBytes(await plainZstd(), { temporaryDirectory: join(folder, 'not-there') })
    await expect(opening).rejects.toThrow(OutputError)
  })

  test('of unknown formats only the name is known', async () => {
    const notices: string[] = []
    const lzip = Buffer.from('LZIP\x01')
    const opening = openBytes(Buffer.concat([lzip, text(1000)]), {
      onNotice: (notice) => notices.push(notice),
    })
    await expect(opening).rejects.toThrow('lzip is not supported')
    expect(notices).toEqual([])
  })

  test('a boot sector is none, whatever its code begins with', async () => {
    const sector = new Uint8Array(1024)
    sector.set([0x1f, 0x8b])
    sector.set([0x55, 0xaa], 510)
    await using(sector, ({ source, compression }) => {
      expect(compression).toBeUndefined()
      expect(source.size).toBe(1024)
      return Promise.resolve()
    })
  })
})

test('an aborted signal ends reading', async () => {
  const abort = new AbortController()
  await using(
    CONTENT,
    async ({ source }) => {
      expect((await source.read(0, 10)).length).toBe(10)
      abort.abort(new Error('enough'))
      expect(() => void source.read(0, 10)).toThrow('enough')
      await Promise.resolve()
    },
    { signal: abort.signal },
  )
})
