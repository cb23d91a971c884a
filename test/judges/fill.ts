import { closeSync, fsyncSync, mkdtempSync, openSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noise } from './exercise.ts'
import { removeIfEmpty, withLoop, withMount } from './mounted.ts'
import type { Partition } from './partition.ts'
import { mustRun } from './run-tool.ts'

/** What a file system offers, and what it takes. Bytes. */
export interface Filled {
  /** Available to everyone, as `df` shows it. */
  offered: number
  /** Until there was no space left, and synced. */
  written: number
  /** What is still offered then. */
  left: number
}

const PIECE = noise(2 ** 20, 5)

/**
 * Mounts a BTRFS file system and writes files of `fileSize` bytes into it until there is no space left. It stays full.
 *
 * @param fileSize Infinity for one file
 */
export async function fillUp(image: string, partition: Partition, fileSize: number): Promise<Filled> {
  const folder = mkdtempSync(join(tmpdir(), 'fill-'))
  const filled = { offered: 0, written: 0, left: 0 }
  try {
    await withLoop(image, partition, false, (device) =>
      withMount(device, 'rw,subvolid=5', folder, async (top) => {
        const available = () => {
          const { bavail, bsize } = statfsSync(top)
          return bavail * bsize
        }
        filled.offered = available()
        for (let i = 0; ; i++) {
          const { written, full } = writeFile(join(top, `fill-${i}`), fileSize)
          filled.written += written
          if (full) break
        }
        await mustRun('btrfs', ['filesystem', 'sync', top])
        filled.left = available()
      }),
    )
  } finally {
    removeIfEmpty(folder)
  }
  return filled
}

/** Content that no space is left for when the kernel comes to store it is an error of fsync(2), which is thrown. */
function writeFile(path: string, size: number): { written: number; full: boolean } {
  let written = 0
  let file: number
  try {
    file = openSync(path, 'wx')
  } catch (error) {
    return { written, full: isFull(error) }
  }
  try {
    while (written < size) {
      try {
        written += writeSync(file, PIECE, 0, Math.min(PIECE.length, size - written))
      } catch (error) {
        return { written, full: isFull(error) }
      }
    }
    return { written, full: false }
  } finally {
    if (size >= PIECE.length) fsyncSync(file)
    closeSync(file)
  }
}

function isFull(error: unknown): true {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  return true
}
