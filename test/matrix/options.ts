/** The options of a BTRFS partition and of the disk around it, and the values that are tried, each with each. */
import type { BtrfsOptions } from '../images/build.ts'
import type { BtrfsSpec, SubvolumeSpec } from '../../src/spec/btrfs-spec.ts'
import type { ImageSpec, PartitionSpec } from '../../src/spec/image-spec.ts'
import { resolvePlan } from '../../src/build/plan-image.ts'
import { SpecError } from '../../src/lib/errors.ts'
import type { Combination, IsValid, OptionTable } from './cover.ts'

/** The first value of each is how it is when nobody asks. */
export const OPTIONS = {
  nodeSize: ['default', '4096', '8192', '32768', '65536'],
  checksum: ['crc32c', 'xxhash64', 'sha256', 'blake2b'],
  system: ['default', 'single', 'dup'],
  metadata: ['default', 'single', 'dup'],
  data: ['default', 'single', 'dup'],
  mixed: ['no', 'yes'],
  blockGroupTree: ['no', 'yes'],
  compression: ['none', 'lzo', 'zlib:1', 'zlib:9', 'zstd:1', 'zstd:3', 'zstd:15'],
  boot: ['as all', 'nodatacow', 'boot files', 'nodatacow boot files'],
  readOnly: ['no', 'yes'],
  default: ['top level', '@'],
  nested: ['no', 'yes'],
  snapshot: ['no', 'of @', 'of @boot'],
  property: ['not set', 'none', 'zstd'],
  size: ['fit', 'fixed'],
  slack: ['default', '0', '64MiB'],
  dedupe: ['yes', 'no'],
  swapfile: ['no', 'yes'],
  rules: ['none', 'nodatacow', 'glob'],
  table: ['mbr', 'gpt', 'gpt of 4096', 'hybrid', 'moved gpt', 'none'],
  neighbours: ['none', 'a blob', 'fat32 before', 'fat16 before', 'fat12 behind', 'swap behind', 'many'],
} satisfies OptionTable
type Option = keyof typeof OPTIONS

/** The description of a combination: subvolumes as an installation has them, each option at the place where it fits. */
export function describeOptions(chosen: Combination): BtrfsOptions {
  const given = (option: Option) => (chosen[option] === OPTIONS[option][0] ? undefined : chosen[option])
  const flag = <Value>(option: Option, value: Value) => (given(option) === undefined ? {} : value)
  const profile = (option: 'system' | 'metadata' | 'data') =>
    flag(option, { [option]: chosen[option] as 'single' | 'dup' })
  const subvolumes: SubvolumeSpec[] = [
    {
      name: '@',
      path: '/',
      ...flag('default', { default: true }),
      ...flag('property', { property: chosen.property }),
    },
    { name: '@boot', path: '/boot', ...bootStorage(chosen.boot) },
    { name: '@nix', path: '/nix', ...flag('readOnly', { readOnly: true }) },
  ]
  if (given('nested')) subvolumes.push({ name: '@/var' })
  if (given('snapshot')) subvolumes.push({ name: '@snapshot', snapshotOf: given('snapshot')!.slice(3) })
  const rules: Record<string, BtrfsSpec['paths']> = {
    nodatacow: [{ path: '/d', nodatacow: true }],
    glob: [{ glob: '/**/a', flags: ['nodump'], mode: '0750' }],
  }
  return {
    size: given('size') === undefined ? 'fit' : '300MiB',
    ...flag('nodeSize', { nodeSize: Number(chosen.nodeSize) as BtrfsSpec['nodeSize'] }),
    ...flag('checksum', { checksum: chosen.checksum as BtrfsSpec['checksum'] }),
    profiles: { ...profile('system'), ...profile('metadata'), ...profile('data') },
    ...flag('mixed', { mixed: true }),
    ...flag('blockGroupTree', { blockGroupTree: true }),
    ...flag('compression', { compression: chosen.compression }),
    ...flag('slack', { slack: chosen.slack === '0' ? 0 : chosen.slack }),
    ...flag('dedupe', { dedupe: false }),
    ...flag('swapfile', { swapfile: { path: '/swap/swapfile', size: '1MiB' } }),
    ...flag('rules', { paths: rules[chosen.rules] }),
    subvolumes,
  }
}

const TABLES: Record<string, ImageSpec['table']> = {
  mbr: { type: 'mbr' },
  gpt: { type: 'gpt' },
  'gpt of 4096': { type: 'gpt', sectorSize: 4096, entries: 160 },
  hybrid: { type: 'gpt', hybrid: [1] },
  'moved gpt': { type: 'gpt', entriesStart: '512KiB' },
  none: { type: 'none' },
}

const BLOB: PartitionSpec = { type: 'empty', start: '64KiB', size: '64KiB', inTable: false }
const FAT32: PartitionSpec = { type: 'fat32', label: 'FAT', size: 'fit', slack: '1MiB' }
const FAT16: PartitionSpec = { type: 'fat16', size: '32MiB' }
const FAT12: PartitionSpec = { type: 'fat12', size: 'fit', slack: '64KiB' }
const SWAP: PartitionSpec = { type: 'swap', size: '1MiB' }
const EMPTY: PartitionSpec = { type: 'empty', size: '64KiB' }
const NEIGHBOURS: Record<string, { before: PartitionSpec[]; behind: PartitionSpec[] }> = {
  none: { before: [], behind: [] },
  'a blob': { before: [BLOB], behind: [] },
  'fat32 before': { before: [FAT32], behind: [] },
  'fat16 before': { before: [FAT16], behind: [] },
  'fat12 behind': { before: [], behind: [FAT12] },
  'swap behind': { before: [], behind: [SWAP] },
  many: { before: [EMPTY, EMPTY, EMPTY, EMPTY], behind: [SWAP, EMPTY] },
}

/** The disk of a combination around its one BTRFS partition. */
export function describeDisk(chosen: Combination, spec: ImageSpec): ImageSpec {
  const { before, behind } = NEIGHBOURS[chosen.neighbours]
  return { ...spec, table: TABLES[chosen.table], partitions: [...before, ...spec.partitions, ...behind] }
}

function bootStorage(boot: string) {
  return {
    ...(boot.includes('nodatacow') && { nodatacow: true }),
    ...(boot.includes('boot files') && { bootFiles: true }),
  }
}

/** Whether the description is one: the rules are those of the program, asked for and not repeated here. */
export const isValidDescription: IsValid = async (chosen) => {
  const partition = { type: 'btrfs', ...describeOptions(chosen), sources: [{ tar: 'a.tar' }] }
  try {
    await resolvePlan(
      describeDisk(chosen, {
        seed: 'matrix',
        table: { type: 'mbr' },
        partitions: [partition as PartitionSpec],
      }),
    )
    return true
  } catch (error) {
    if (error instanceof SpecError) return false
    throw error
  }
}

/** What differs from an image that nothing is asked of. */
export function nameOf(chosen: Combination): string {
  const asked = Object.entries(chosen).filter(([option, value]) => OPTIONS[option as Option][0] !== value)
  return asked.map(([option, value]) => `${option} ${value}`).join(', ') || 'all as it is by default'
}
