import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OutputError } from '../../src/lib/errors.ts'
import { MAX_WRITES } from '../../src/output/image-file.ts'
import { openFile, type OpenFile } from '../../src/output/open-file.ts'
import { temporaryFolder } from './folder.ts'
import { contentOf, same } from './operations.ts'

const folder = temporaryFolder()

/** A file that takes only so many bytes at a time, as a system may. */
function reluctant(handle: FileHandle, most: number): FileHandle {
  const writev = async (pieces: readonly Uint8Array[], position: number) => {
    const bytes = Buffer.concat(pieces).subarray(0, most)
    return { bytesWritten: (await handle.write(bytes, 0, bytes.length, position)).bytesWritten }
  }
  return { writev, fd: handle.fd } as unknown as FileHandle
}

test.each([1, 7, 64, 1000, 10_000])('pieces are written whole, %i bytes at a time', async (most) => {
  const handle = await open(join(folder, `file-${most}`), 'w+')
  const bytes = contentOf('noise', 3000, most)
  const file = openFile(reluctant(handle, most), 'file')
  const cuts = [0, 0, 1, 64, 64, 1000, 3000]
  await file.start(
    5,
    cuts.map((cut, i) => bytes.subarray(cuts[i - 1] ?? 0, cut)),
  )
  same(await file.read(5, 3000), bytes, 'file')
  expect((await handle.stat()).size).toBe(3005)
  await handle.close()
})

test('large pieces are written in parts of 512 KiB, and small ones together', async () => {
  const handle = await open(join(folder, 'parts'), 'w+')
  const sizes: number[] = []
  const noting = {
    writev(pieces: Uint8Array[], position: number) {
      sizes.push(pieces.reduce((sum, { length }) => sum + length, 0))
      return handle.writev(pieces, position)
    },
    fd: handle.fd,
  } as unknown as FileHandle
  const file = openFile(noting, 'file')
  const bytes = contentOf('noise', 1_500_000, 1)
  await file.start(3, [bytes.subarray(0, 10), bytes.subarray(10, 1_400_000), bytes.subarray(1_400_000)])
  same(await file.read(3, bytes.length), bytes, 'file')
  expect(sizes).toEqual([524_288, 524_288, 451_424])
  await handle.close()
})

test('what no write is changing is read at once, and the rest when the write has ended', async () => {
  const handle = await open(join(folder, 'read-back'), 'w+')
  let go: () => void = () => undefined
  const held = new Promise<void>((resolve) => (go = resolve))
  const slow = {
    async writev(pieces: Uint8Array[], position: number) {
      if (position > 0) await held
      return handle.writev(pieces, position)
    },
    fd: handle.fd,
  } as unknown as FileHandle
  const file = openFile(slow, 'file')
  const bytes = contentOf('noise', 3000, 1)
  await file.write(0, bytes.subarray(0, 1000))
  await file.start(1000, [bytes.subarray(1000)])
  same(file.read(0, 1000) as Uint8Array, bytes.subarray(0, 1000), 'before the write')
  same(file.read(3000, 10) as Uint8Array, new Uint8Array(10), 'behind the write')
  const overlapping = file.read(999, 2)
  expect(overlapping).toBeInstanceOf(Promise)
  go()
  same(await overlapping, bytes.subarray(999, 1001), 'across its start')
  await handle.close()
})

test('a few writes wait in the background, in order; what follows a failed one fails', async () => {
  const done: number[] = []
  const release: (() => void)[] = []
  const slow = {
    async writev(pieces: Uint8Array[], position: number) {
      await new Promise<void>((resolve) => release.push(resolve))
      if (position === 2) throw Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' })
      done.push(position)
      return { bytesWritten: pieces[0].length }
    },
  } as unknown as FileHandle
  const file = openFile(slow, 'x.img')
  const starts = Array.from({ length: MAX_WRITES + 1 }, (_, i) => file.start(i, [new Uint8Array(1)]))
  expect(starts.slice(0, MAX_WRITES)).toEqual(Array(MAX_WRITES).fill(undefined))
  const next = async () => {
    while (release.length === 0) await new Promise((resolve) => setImmediate(resolve))
    release.shift()!()
  }
  await next()
  await starts[MAX_WRITES]
  expect(done).toEqual([0])
  await next()
  await next()
  await expect(file.idle()).rejects.toThrow('x.img: cannot write: no space left on the disk')
  await expect(file.settle()).rejects.toThrow('x.img')
  await expect(file.start(9, [])).rejects.toThrow('x.img')
  expect(done).toEqual([0, 1])
})

test('a failed read names the file', async () => {
  const handle = await open(join(folder, 'write-only'), 'w')
  const file = openFile(handle, 'x.img')
  expect(() => file.read(0, 1)).toThrow(/^x\.img: .*EBADF/)
  await handle.close()
})

describe('a durable file', () => {
  const MIB = 1 << 20

  /** A handle that takes writes, and on which `datasync` does what the test says. */
  function handleWith(datasync: () => Promise<void>): FileHandle {
    const writev = (pieces: Uint8Array[]) =>
      Promise.resolve({ bytesWritten: pieces.reduce((sum, { length }) => sum + length, 0) })
    return { writev, datasync } as unknown as FileHandle
  }

  async function writeMiBs(file: OpenFile, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await file.start(i * MIB, [new Uint8Array(MIB)])
    await file.settle()
  }

  test('is brought to the disk as it is written', async () => {
    let flushes = 0
    const handle = handleWith(() => Promise.resolve(void flushes++))
    await writeMiBs(openFile(handle, 'x.img', { isDurable: true }), 200)
    expect(flushes).toBe(12)
    await writeMiBs(openFile(handle, 'spool'), 200)
    expect(flushes).toBe(12)
  })

  test('fails when the disk does', async () => {
    const failure = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
    const handle = handleWith(() => Promise.reject(failure))
    const writing = writeMiBs(openFile(handle, 'x.img', { isDurable: true }), 200)
    await expect(writing).rejects.toThrow(OutputError)
    await expect(writing).rejects.toThrow('x.img')
  })
})
