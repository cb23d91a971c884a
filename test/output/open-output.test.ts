import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { WritableStream } from 'node:stream/web'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { OutputError } from '../../src/lib/errors.ts'
import { loadZstd } from '../../src/lib/zstd/codec.ts'
import { openOutput } from '../../src/output/open-output.ts'
import type { Output } from '../../src/output/output.ts'
import { temporaryFolder } from './folder.ts'
import { contentOf, same } from './operations.ts'

const MIB = 2 ** 20
const top = temporaryFolder()
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(top, 'case-'))
  path = join(folder, 'x.img')
})
afterEach(() => vi.unstubAllEnvs())

async function refused(work: Promise<unknown>, message: string | RegExp): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OutputError)
  expect((error as Error).message).toMatch(message)
}

/** Data, a hole, data and a patched range. */
async function writeSample({ sink }: Output): Promise<Uint8Array> {
  const image = new Uint8Array(9 * MIB)
  image.set(contentOf('noise', 3 * MIB, 1), 4096)
  image.set(contentOf('text', MIB, 2), 7 * MIB)
  image.set(contentOf('noise', 512, 3))
  await sink.reserve(0, 512)
  await sink.write(4096, image.slice(4096, 4096 + 3 * MIB))
  await sink.write(7 * MIB, image.slice(7 * MIB, 8 * MIB))
  await sink.patch(0, image.slice(0, 512))
  return image
}

describe('a path', () => {
  test.each(['disk.img.gz', 'disk.XZ', 'disk.qcow2'])('%s has the name of another format', async (name) => {
    const other = join(folder, name)
    const message = 'is not written: the formats are .img and .img.zst'
    await expect(openOutput({ output: other })).rejects.toThrow(message)
    const output = await openOutput({ output: other, format: 'img' })
    await output.abort()
  })

  test.each(['img', 'img.zst'] as const)('%s: nothing has the name before the end', async (format) => {
    const target = join(folder, `x.${format}`)
    const output = await openOutput({ output: target })
    const image = await writeSample(output)
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^\.x\.img.*\.partial-[0-9a-f]{12}$/)])
    const { bytes } = await output.finish(image.length)
    expect(readdirSync(folder)).toEqual([`x.${format}`])
    const file = readFileSync(target)
    expect(file.length).toBe(bytes)
    if (format === 'img') same(file, image, 'file')
    else expect(file.readUInt32LE(0)).toBe(0xfd2fb528)
    await output.abort()
    expect(existsSync(target)).toBe(true)
  })

  test('the format can be given apart from the name', async () => {
    const output = await openOutput({ output: path, format: 'img.zst' })
    await output.finish(4096)
    expect(readFileSync(path).readUInt32LE(0)).toBe(0xfd2fb528)
  })

  test('an aborted build leaves nothing', async () => {
    const output = await openOutput({ output: path })
    await writeSample(output)
    await output.abort()
    await output.abort()
    expect(readdirSync(folder)).toEqual([])
  })

  test('a build that fails at its end leaves nothing', async () => {
    const output = await openOutput({ output: path })
    await writeSample(output)
    await expect(output.finish(MIB)).rejects.toThrow('at least')
    expect(readdirSync(folder)).toEqual([])
  })

  test('an abort while it is being finished leaves nothing', async () => {
    const output = await openOutput({ output: `${path}.zst` })
    await writeSample(output)
    const finished = output.finish(9 * MIB)
    await output.abort()
    await expect(finished).rejects.toThrow()
    expect(readdirSync(folder)).toEqual([])
  })

  test('an existing file is replaced only by force, and only at the end', async () => {
    writeFileSync(path, 'old')
    await refused(openOutput({ output: path }), `${path}: already exists`)
    const output = await openOutput({ output: path, force: true })
    const image = await writeSample(output)
    expect(readFileSync(path, 'utf8')).toBe('old')
    await output.finish(image.length)
    same(readFileSync(path), image, 'file')
    expect(readdirSync(folder)).toEqual(['x.img'])
  })

  test('a file that appears during the build is not replaced', async () => {
    const output = await openOutput({ output: path })
    writeFileSync(path, 'somebody else')
    await refused(output.finish(4096), 'already exists')
    expect(readFileSync(path, 'utf8')).toBe('somebody else')
    expect(readdirSync(folder)).toEqual(['x.img'])
  })

  test('by force, what a symbolic link points to is replaced, and the link stays', async () => {
    const real = join(folder, 'real.img')
    writeFileSync(real, 'old')
    symlinkSync('real.img', path)
    const output = await openOutput({ output: path, force: true })
    await output.finish(4096)
    expect(readFileSync(real)).toHaveLength(4096)
    expect(readFileSync(path)).toHaveLength(4096)
    expect(readdirSync(folder).sort()).toEqual(['real.img', 'x.img'])
  })

  test('a name of 255 bytes', async () => {
    path = join(folder, 'ü'.repeat(125) + '.img')
    await (await openOutput({ output: path })).finish(4096)
    expect(readdirSync(folder)).toHaveLength(1)
  })

  test('targets that cannot be are refused at once', async () => {
    mkdirSync(path)
    for (const force of [false, true]) {
      await refused(openOutput({ output: path, force }), 'expected a file, found a directory')
      await refused(openOutput({ output: '/dev/null', force }), 'expected a regular file')
      await refused(openOutput({ output: join(folder, 'no', 'x.img'), force }), 'no such directory')
      await refused(openOutput({ output: `${folder}/`, force }), 'expected the name of a file')
      await refused(openOutput({ output: '', force }), 'expected the name of a file')
    }
    await refused(openOutput({ output: join(folder, 'y.img'), outputLevel: 0 }), 'expected 1 to 22')
    expect(readdirSync(folder)).toEqual(['x.img'])
  })

  test('a folder without permission is named', async () => {
    // Root may write everywhere but into sysfs.
    const closed = process.getuid?.() === 0 ? '/sys' : folder
    if (closed === folder) chmodSync(folder, 0o500)
    const target = join(closed, 'x.img')
    await refused(
      openOutput({ output: target }),
      /^\/.*x.img: cannot write: (permission denied|.* read-only)/,
    )
    if (closed === folder) chmodSync(folder, 0o700)
  })

  test.skipIf(!existsSync('/dev/full'))('a full disk is named, and nothing is left', async () => {
    // The file under the temporary name becomes a device that is always full.
    const { rawFile } = await import('../../src/output/raw-file.ts')
    const { openFile } = await import('../../src/output/open-file.ts')
    const { open } = await import('node:fs/promises')
    const handle = await open('/dev/full', 'r+')
    const image = rawFile(openFile(handle, 'x.img'))
    await image.write(0, contentOf('noise', MIB, 1))
    await image.write(MIB, contentOf('noise', MIB, 1))
    await refused(image.finish(2 * MIB), 'x.img: cannot write: no space left on the disk')
    await handle.close()
  })
})

/** A slow reader with little room: what was passed to it, and the most it ever had to hold. */
function slowReader() {
  const chunks: Uint8Array[] = []
  const stream = new Writable({
    highWaterMark: 100_000,
    write(chunk: Uint8Array, _encoding, callback) {
      chunks.push(chunk)
      setTimeout(callback, 1)
    },
  })
  return { stream, all: () => Buffer.concat(chunks) }
}

describe('a stream', () => {
  beforeEach(() => vi.stubEnv('TMPDIR', folder))

  test.each(['img', 'img.zst'] as const)('%s: gets what a file would be', async (format) => {
    const { stream, all } = slowReader()
    const toStream = await openOutput({ output: stream, format })
    const image = await writeSample(toStream)
    expect(readdirSync(folder)).toEqual([])
    const { bytes } = await toStream.finish(image.length)
    expect(stream.writableFinished).toBe(true)
    const toFile = await openOutput({ output: path, format })
    await writeSample(toFile)
    await toFile.finish(image.length)
    expect(all()).toHaveLength(bytes)
    same(all(), readFileSync(path), 'stream')
  })

  test('a web stream as well', async () => {
    const chunks: Uint8Array[] = []
    let closed = false
    const stream = new WritableStream<Uint8Array>({
      write: (chunk) => void chunks.push(chunk),
      close: () => void (closed = true),
    })
    const output = await openOutput({ output: stream })
    const image = await writeSample(output)
    await output.finish(image.length)
    same(Buffer.concat(chunks), image, 'stream')
    expect(closed).toBe(true)
  })

  test('waits for the reader', async () => {
    const stream = new PassThrough()
    const output = await openOutput({ output: stream })
    const image = await writeSample(output)
    const finished = output.finish(image.length)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(stream.writableLength).toBeLessThanOrEqual(MIB)
    const chunks: Uint8Array[] = []
    for await (const chunk of stream) chunks.push(chunk as Uint8Array)
    await finished
    same(Buffer.concat(chunks), image, 'stream')
  })

  test('nothing reaches the reader of an aborted build, who learns of it', async () => {
    const stream = new PassThrough()
    const output = await openOutput({ output: stream })
    await writeSample(output)
    await output.abort()
    expect(stream.destroyed).toBe(true)
    expect(stream.readableLength).toBe(0)
    let reason: unknown
    const web = new WritableStream({ abort: (given) => void (reason = given) })
    await (await openOutput({ output: web })).abort()
    expect(reason).toBeInstanceOf(OutputError)
  })

  test('an abort while it is being passed on ends the wait', async () => {
    const output = await openOutput({ output: new PassThrough() })
    await writeSample(output)
    const finished = output.finish(9 * MIB)
    finished.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 30))
    await output.abort()
    await refused(finished, 'output stream: aborted')
  })

  test('a reader that goes away is an OutputError', async () => {
    const broken = () => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    const stream = new Writable({ write: (_chunk, _encoding, callback) => callback(broken()) })
    const output = await openOutput({ output: stream })
    await refused(output.finish(9 * MIB), 'output stream: cannot write: the reader has closed the pipe')

    const early = new PassThrough()
    const failing = await openOutput({ output: early })
    early.destroy(broken())
    await refused(failing.finish(9 * MIB), 'EPIPE')

    const closing = new PassThrough()
    const closed = await openOutput({ output: closing })
    closing.destroy()
    await refused(closed.finish(9 * MIB), 'closed before the image was complete')
    await refused(openOutput({ output: closing }), 'cannot be written to any more')

    const web = new WritableStream({ write: () => Promise.reject(new Error('gone')) })
    await refused((await openOutput({ output: web })).finish(9 * MIB), 'output stream: gone')
  })

  test('the folder for temporary files is named when it is missing', async () => {
    rmSync(folder, { recursive: true })
    await refused(openOutput({ output: new PassThrough() }), `${folder}: cannot write: no such directory`)
  })
})

test('what is read back while it is written is what was written', async () => {
  await loadZstd()
  for (const format of ['img', 'img.zst'] as const) {
    const output = await openOutput({ output: `${path}.${format}`, format })
    const image = await writeSample(output)
    same(await output.sink.read(0, image.length), image, format)
    same(await output.sink.read(20 * MIB, 10), new Uint8Array(10), 'beyond the end')
    await output.abort()
  }
})
