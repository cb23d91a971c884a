/** Builds images of tar archives made on the spot, and has them judged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import type { BtrfsResult, BuildResult } from '../../src/build/result.ts'
import type { BtrfsSpec, ImageSpec } from '../../src/spec/schema.ts'
import { btrfsCheck, canBtrfsCheck, type BtrfsCheckOptions } from '../judges/btrfs-check.ts'
import { btrfsDump } from '../judges/btrfs-dump.ts'
import { btrfsRestore, canBtrfsRestore } from '../judges/btrfs-restore.ts'
import type { ExpectedTrees } from '../judges/expected.ts'
import { canJudgeWithGrub, judgeWithGrub } from '../judges/grub.ts'
import { canJudgeWithKernel, judgeWithKernel, type KernelJudgeOptions } from '../judges/kernel-mount.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sfdiskVerify } from '../judges/sfdisk.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'
import { faultTextsOf } from '../btrfs/check/faults.ts'
import { expectedImage, type SourceInput } from './expected-image.ts'
import { withFileSource } from './walk-reader.ts'

export type BtrfsOptions = Partial<Omit<BtrfsSpec, 'type' | 'sources'>>

export interface Built {
  folder: string
  image: string
  spec: ImageSpec
  result: BuildResult
  /** Of the one BTRFS partition. */
  btrfs: BtrfsResult
}

/** Works with a folder that is removed afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-image-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes the archives and gives the description of an image with them in one BTRFS partition. */
export function describeImage(
  folder: string,
  sources: readonly SourceInput[],
  options: BtrfsOptions = {},
): ImageSpec {
  const described = sources.map(({ entries, to }, i) => {
    const tar = `source-${i}.tar`
    writeFileSync(join(folder, tar), buildTar(entries))
    return { tar, ...(to === undefined ? {} : { to }) }
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

export interface JudgeOptions {
  /** Also write, grow, balance, scrub; otherwise the kernel only compares. */
  exercise?: boolean
  /** Also the readers that are not the kernel's: GRUB, btrfs restore, dump-tree and dump-super of btrfs-progs. */
  readers?: boolean
  kernel?: KernelJudgeOptions
  check?: BtrfsCheckOptions
}

// Asked once, here: whoever imports this is told loudly what cannot be judged.
const judges = {
  btrfs: canBtrfsCheck(),
  kernel: canJudgeWithKernel(),
  sfdisk: requireJudge('sfdisk'),
  restore: canBtrfsRestore(),
  grub: canJudgeWithGrub(),
}

/** Has every judge at hand look at an image, and the checker of this project. */
export async function judge(
  { image, btrfs }: Built,
  expected: ExpectedTrees,
  { exercise = false, readers = false, kernel = {}, check = {} }: JudgeOptions = {},
): Promise<void> {
  const faults = await withFileSource(image, (source) => faultTextsOf(source), btrfs)
  if (faults.length > 0) throw new Error(`${image} is not sound:\n${faults.join('\n')}`)
  if (judges.sfdisk) await sfdiskVerify(image)
  if (judges.btrfs) await btrfsCheck(image, btrfs, check)
  if (readers) {
    if (judges.btrfs) await btrfsDump(image, btrfs)
    if (judges.restore) await btrfsRestore(image, btrfs, expected)
    if (judges.grub) await judgeWithGrub(image, `(loop0,msdos${btrfs.number})`, expected)
  }
  if (judges.kernel) {
    await judgeWithKernel(image, btrfs, expected, {
      compareOnly: !exercise,
      check: { versions: 'newest', lowmem: false },
      ...kernel,
    })
  }
}

/** Builds an image of some entries, has it judged, and gives it to `look`. */
export function buildAndJudge(
  sources: readonly SourceInput[] | readonly TarInput[],
  options: BtrfsOptions = {},
  judging: JudgeOptions = {},
  look: (built: Built) => Promise<void> | void = () => undefined,
): Promise<void> {
  const all = sources.map((source) => ('entries' in source ? source : { entries: [source] }))
  const whole = 'entries' in (sources[0] ?? {}) ? all : [{ entries: all.flatMap(({ entries }) => entries) }]
  return inFolder(async (folder) => {
    const built = await build(folder, describeImage(folder, whole, options))
    await judge(built, expectedImage(whole, options), judging)
    await look(built)
  })
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
