import { mkdtempSync, openSync, closeSync, ftruncateSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A sparse image file in a folder of its own. */
export interface SparseImage {
  path: string
  write(bytes: Uint8Array, offset: number): void
  read(offset: number, length: number): Uint8Array
  remove(): void
}

export function sparseImage(size: number): SparseImage {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
  const path = join(folder, 'disk.img')
  const fd = openSync(path, 'w+')
  ftruncateSync(fd, size)
  return {
    path,
    write(bytes, offset) {
      let done = 0
      while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
    },
    read(offset, length) {
      const bytes = new Uint8Array(length)
      const got = readSync(fd, bytes, 0, length, offset)
      return bytes.subarray(0, got)
    },
    remove() {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    },
  }
}

/** Makes an image for one piece of work and removes it afterwards. */
export async function withImage<T>(size: number, work: (image: SparseImage) => Promise<T>): Promise<T> {
  const image = sparseImage(size)
  try {
    return await work(image)
  } finally {
    image.remove()
  }
}
