/** Passes images to every judge that is installed. */
import { faultTextsOf } from '../btrfs/check/faults.ts'
import { btrfsCheck, canBtrfsCheck, type BtrfsCheckOptions } from '../judges/btrfs-check.ts'
import { btrfsDump } from '../judges/btrfs-dump.ts'
import { btrfsRestore, canBtrfsRestore } from '../judges/btrfs-restore.ts'
import type { ExpectedTrees } from '../judges/expected.ts'
import { canJudgeWithGrub, judgeWithGrub } from '../judges/grub.ts'
import { canJudgeWithKernel, judgeWithKernel, type KernelJudgeOptions } from '../judges/kernel-mount.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sfdiskVerify } from '../judges/sfdisk.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { build, describeImage, inFolder, type BtrfsOptions, type Built } from './build.ts'
import { expectedImage, type SourceInput } from './expected-image.ts'
import { withFileSource } from './walk-reader.ts'

export interface JudgeOptions {
  /** Also write, grow, balance, scrub; otherwise the kernel only compares. */
  exercise?: boolean
  /** Also the readers that are not the kernel's: GRUB, btrfs restore, dump-tree and dump-super of btrfs-progs. */
  readers?: boolean
  kernel?: KernelJudgeOptions
  check?: BtrfsCheckOptions
}

// Looked for once, so that each missing judge is reported once.
const judges = {
  btrfs: canBtrfsCheck(),
  kernel: canJudgeWithKernel(),
  sfdisk: requireJudge('sfdisk'),
  restore: canBtrfsRestore(),
  grub: canJudgeWithGrub(),
}

/** Has every judge at hand look at an image, and the checker of this project. */
export async function judge(
  { image, btrfs, spec }: Pick<Built, 'image' | 'btrfs'> & Partial<Pick<Built, 'spec'>>,
  expected: ExpectedTrees,
  { exercise = false, readers = false, kernel = {}, check = {} }: JudgeOptions = {},
): Promise<void> {
  const faults = await withFileSource(image, (source) => faultTextsOf(source), btrfs)
  if (faults.length > 0) throw new Error(`${image} is not sound:\n${faults.join('\n')}`)
  const { table } = spec ?? { table: { type: 'mbr' as const } }
  const sectorSize = (table.type === 'gpt' && table.sectorSize) || 512
  // These tools take files for disks with sectors of 512 bytes.
  const canRead = sectorSize === 512
  if (judges.sfdisk && canRead && table.type !== 'none') await sfdiskVerify(image)
  if (judges.btrfs) await btrfsCheck(image, btrfs, check)
  if (readers) {
    if (judges.btrfs) await btrfsDump(image, btrfs)
    if (judges.restore) await btrfsRestore(image, btrfs, expected)
    const device = { mbr: `loop0,msdos${btrfs.number}`, gpt: `loop0,gpt${btrfs.number}`, none: 'loop0' }[
      table.type
    ]
    if (judges.grub && canRead) await judgeWithGrub(image, `(${device})`, expected)
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
