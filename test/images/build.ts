/** Builds images from tar archives made on the spot. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import type { BtrfsResult, BuildResult } from '../../src/build/result.ts'
import type { BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { buildTar } from '../tar/build-tar.ts'
import type { SourceInput } from './expected-image.ts'

export type BtrfsOptions = Partial<Omit<BtrfsSpec, 'type' | 'sources'>>

export interface Built {
  folder: string
  image: string
  spec: ImageSpec
  result: BuildResult
  /** Of the one BTRFS partition. */
  btrfs: BtrfsResult
}

/** Runs `work` with a temporary folder. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-image-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Writes the archives and gives the description of an image with them in one BTRFS partition. Later ones replace what
 * earlier ones brought: that is what `expectedImage` expects.
 */
export function describeImage(
  folder: string,
  sources: readonly SourceInput[],
  options: BtrfsOptions = {},
): ImageSpec & { partitions: [BtrfsSpec] } {
  const described = sources.map(({ entries, to }, i) => {
    const tar = `source-${i}.tar`
    writeFileSync(join(folder, tar), buildTar(entries))
    return { tar, merge: 'replace' as const, ...(to === undefined ? {} : { to }) }
  })
  return {
    seed: 'test',
    table: { type: 'mbr' },
    partitions: [{ type: 'btrfs', size: 'fit', ...options, sources: described }],
  }
}

/** Builds `disk.img` in the folder. */
export async function build(folder: string, spec: ImageSpec): Promise<Built> {
  const image = join(folder, 'disk.img')
  const result = await buildImage(spec, { output: image, baseDirectory: folder })
  const btrfs = result.partitions.find((partition) => partition.type === 'btrfs')!
  return { folder, image, spec, result, btrfs }
}

/** Bytes that do not compress, the same each time. */
export function noise(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, length)
}

/** Bytes that compress well, and are not zeros. */
export function text(length: number, seed = 1): Uint8Array {
  const line = Buffer.from(`line of ${seed}, as good as any other\n`)
  return new Uint8Array(Buffer.alloc(length, line))
}
