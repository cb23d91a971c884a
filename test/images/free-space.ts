/** Free space of file systems of our making, and of mkfs.btrfs's: what is offered must be there. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Entry } from 'diskwright'
import { expect } from 'vitest'
import { fillUp, type Filled } from '../judges/fill.ts'
import { mustRun } from '../judges/run-tool.ts'
import { build, describeImage, inFolder, noise, type BtrfsOptions } from './build.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** The surroundings of a superblock mirror are offered in vain, by whomever the file system was made. */
const MIRROR = 64 * KIB
/** Chunks are whole stripes. */
const ROUNDING = 3 * 64 * KIB

/** Files of which metadata take more than a tenth: in mixed block groups, these come out of what `df` offers. */
const TINY_FILE = 16 * KIB

/** Files in the image: how many, and how large each is. */
export interface Content {
  files: number
  size: number
}

export interface Space {
  options: BtrfsOptions
  content?: Content
  /** Size of the files that fill the rest. */
  fill?: number
}

/** Files that do not compress. */
function* filesOf({ files, size }: Content): Generator<Entry> {
  const piece = noise(Math.min(size, MIB), 3)
  for (let i = 0; i < files; i++) {
    const content = async function* () {
      for (let left = size; left > 0; left -= piece.length) yield await Promise.resolve(piece.slice(0, left))
    }
    yield { path: `content/${i >> 10}/${i}`, type: 'file', size, content: content() }
  }
}

export interface JudgedSpace extends Filled {
  /** Of the file system, in bytes. */
  size: number
}

/**
 * Builds an image, fills it up, and expects that what was offered could be written: nine tenths at the least. Of tiny files
 * in mixed block groups, their metadata count.
 */
export function judgeSpace({ options, content = { files: 0, size: 0 }, fill = Infinity }: Space) {
  return inFolder(async (folder): Promise<JudgedSpace> => {
    const spec = describeImage(folder, [], { dedupe: false, ...options })
    spec.partitions[0].sources = [{ entries: () => filesOf(content) }]
    const { image, btrfs, result } = await build(folder, spec)
    const { offered, written, left } = await fillUp(image, btrfs, fill)
    const what = `${written} of ${offered} bytes written, ${left} left, in ${btrfs.size}`
    const used = options.mixed === true && fill < TINY_FILE ? offered - left : written
    const loss = options.size === undefined ? 0 : MIRROR * (options.profiles?.data === 'dup' ? 2 : 1)
    expect(used + loss, what).toBeGreaterThanOrEqual(0.9 * offered)
    if (typeof options.slack === 'number' && options.slack > 0) {
      const copies = options.profiles?.data === 'dup' ? 2 : 1
      expect(offered, what).toBeGreaterThanOrEqual((options.slack - ROUNDING) / copies)
    }
    for (const { where, message } of result.findings) {
      expect(where).toBe('partitions[0].slack')
      expect(message).toMatch(/^\d+ bytes are free instead of \d+: /)
    }
    return { size: btrfs.size, offered, written, left }
  })
}

/**
 * Fills a file system that mkfs.btrfs made.
 *
 * @param fill size of the files
 */
export async function fillOfMkfs(size: number, args: readonly string[], fill = Infinity): Promise<Filled> {
  const folder = mkdtempSync(join(tmpdir(), 'mkfs-'))
  try {
    const image = join(folder, 'image')
    writeFileSync(image, '')
    truncateSync(image, size)
    await mustRun('mkfs.btrfs', ['--quiet', ...args, image])
    return await fillUp(image, { start: 0, size }, fill)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
