/** What the kernel shows of an image made of sources, in the form in which it shows any other directory. */
import { join } from 'node:path'
import { buildImage, type BtrfsSpec, type BuildResult, type ImageSpec } from '../../src/index.ts'
import type { FoundEntry } from '../judges/expected.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { walk } from '../judges/walk.ts'

export const imageOf = (sources: BtrfsSpec['sources'], more: Partial<ImageSpec> = {}): ImageSpec => ({
  seed: 'sources',
  table: { type: 'mbr' },
  partitions: [{ type: 'btrfs', size: 'fit', sources }],
  ...more,
})

/** Builds an image of the sources, and mounts it for `look`. */
export async function withMountedSources<T>(
  folder: string,
  sources: BtrfsSpec['sources'],
  look: (mountPoint: string, result: BuildResult) => Promise<T>,
): Promise<T> {
  const image = join(folder, 'mounted.img')
  const result = await buildImage(imageOf(sources), {
    output: image,
    baseDirectory: folder,
    workers: 0,
    force: true,
  })
  let seen: T | undefined
  await withLoop(image, result.partitions[0], true, (device) =>
    withMount(device, 'ro', folder, async (mountPoint) => {
      seen = await look(mountPoint, result)
    }),
  )
  return seen as T
}

/** All that the kernel shows of the sources. */
export function mountedSources(folder: string, sources: BtrfsSpec['sources']): Promise<ComparableEntry[]> {
  return withMountedSources(folder, sources, (mountPoint) => comparableTree(mountPoint))
}

export type ComparableEntry = Record<string, unknown>

/**
 * Every entry of a directory, sorted, by what does not depend on the file system it lies in: instead of inodes, the first
 * name of each.
 */
export async function comparableTree(directory: string): Promise<ComparableEntry[]> {
  const entries = (await walk(directory)).sort((a, b) => (a.path < b.path ? -1 : 1))
  const firstNames = new Map<number, string>()
  return entries.map((entry) => comparable(entry, firstNames))
}

const NOT_COMPARED = { atime: undefined, ctime: undefined, nodatacow: undefined, flags: undefined }

function comparable(entry: FoundEntry, firstNames: Map<number, string>): ComparableEntry {
  const { ino, nlink, ...rest } = { ...entry, ...NOT_COMPARED }
  if (entry.type === 'directory') return rest
  const first = firstNames.get(ino) ?? `${entry.path}`
  firstNames.set(ino, first)
  return { ...rest, nlink, sameAs: first }
}
