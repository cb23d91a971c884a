/** The rules between the keys of a BTRFS partition. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import { repeated, toJsonPath } from '../messages.ts'
import type { BtrfsFileSystemSpec, BtrfsOptions, StorageSpec } from '../btrfs-spec.ts'
import { excludedIssues, pathRuleIssues, repeatedPathIssues, type NeededPlace } from '../path-rules.ts'
import { parseSize } from '../notation/sizes.ts'
import { storageAt } from '../resolve/storage.ts'
import { containerOf, idsOf, pathOf, rootOfSnapshots } from '../resolve/subvolumes.ts'

/** (MIN_SWAP_PAGES of mkswap(8), and the page) */
const MIN_SWAP_BYTES = 40960
const PAGE_SIZE = 4096
const MIXED_NODE_SIZE = 4096

/**
 * @param at what the paths of all keys begin with: `partitions[1].`, or nothing for a file system alone
 */
export function btrfsIssues(partition: Draft<BtrfsOptions>, at: string): SpecIssue[] {
  return [
    ...mixedIssues(partition, at),
    ...subvolumeIssues(partition, at),
    ...placeIssues(partition, at),
    ...snapshotIssues(partition, at),
    ...pathRuleIssues(partition.paths ?? [], at),
    ...excludedIssues(partition.paths ?? [], neededPlaces(partition, at), at),
    ...swapfileIssues(partition, at),
    ...storageIssues(partition, at),
  ]
}

/** In mixed block groups, data and metadata have one block size and one profile. */
function mixedIssues({ mixed, nodeSize, profiles }: Draft<BtrfsFileSystemSpec>, at: string): SpecIssue[] {
  if (mixed !== true) return []
  const issues: SpecIssue[] = []
  if (nodeSize !== undefined && nodeSize !== MIXED_NODE_SIZE) {
    issues.push({
      path: `${at}nodeSize`,
      message: `must be ${MIXED_NODE_SIZE} with "mixed", found ${nodeSize}`,
    })
  }
  const { metadata, data } = profiles ?? {}
  if (metadata !== undefined && data !== undefined && metadata !== data) {
    const message = `must be that of the metadata ("${metadata}") with "mixed", found "${data}"`
    issues.push({ path: `${at}profiles.data`, message })
  }
  return issues
}

function subvolumeIssues(
  { subvolumes = [], paths = [], links = {} }: Draft<BtrfsFileSystemSpec>,
  at: string,
) {
  const issues = [
    ...repeated(
      subvolumes.map((subvolume, i) => ({ key: subvolume?.name, path: `${at}subvolumes[${i}].name` })),
      (first) => `is also ${first}: names are unique`,
    ),
    ...repeated(
      subvolumes.map((subvolume, i) => ({
        key: subvolume && pathOf(subvolume, subvolumes),
        path: `${at}subvolumes[${i}].path`,
      })),
      (first) => `is also ${first}: a path goes to one subvolume`,
    ),
    ...repeatedPathIssues(paths, at),
  ]
  const top = subvolumes.findIndex((subvolume) => subvolume?.name === '')
  const topPath = subvolumes[top]?.path
  const isRootHeld = subvolumes.some((subvolume) => subvolume === undefined || subvolume.path === '/')
  if (topPath !== undefined && !isRootHeld) {
    const message = 'no subvolume has the path "/": give it to this one or to another'
    issues.push({ path: `${at}subvolumes[${top}].path`, message })
  }
  for (const name of Object.keys(links)) {
    // Objects of JavaScript inherit under this name: the schema's library passes over it.
    if (name === '__proto__') {
      issues.push({ path: `${at}${toJsonPath(['links', name])}`, message: 'cannot be the name of a link' })
    }
    const same = subvolumes.findIndex((subvolume) => subvolume?.name === name)
    const below = subvolumes.findIndex((subvolume) => subvolume?.name?.startsWith(`${name}/`))
    if (same < 0 && below < 0) continue
    issues.push({
      path: `${at}${toJsonPath(['links', name])}`,
      message:
        same < 0
          ? `is a directory, in which ${at}subvolumes[${below}] lies`
          : `is also the name of ${at}subvolumes[${same}]`,
    })
  }
  return issues
}

/** Subvolumes lie in each other, and one of them is the default. */
function placeIssues({ subvolumes = [] }: Draft<BtrfsFileSystemSpec>, at: string): SpecIssue[] {
  return [
    ...subvolumes.flatMap((subvolume, i): SpecIssue[] => {
      const path = `${at}subvolumes[${i}].id`
      return subvolume?.name === '' && subvolume.id !== undefined
        ? [{ path, message: 'the top level always has the id 5: leave this out' }]
        : []
    }),
    ...repeated(
      subvolumes.map((subvolume, i) => ({
        key: subvolume?.id?.toString(),
        path: `${at}subvolumes[${i}].id`,
      })),
      (first) => `is also ${first}: ids are unique`,
    ),
    ...takenIdIssues(subvolumes, at),
    ...repeated(
      subvolumes.map((subvolume, i) => ({
        key: subvolume?.default === true ? 'yes' : undefined,
        path: `${at}subvolumes[${i}].default`,
      })),
      (first) => `only one subvolume can be the default, and ${first} is`,
    ),
  ]
}

/** Ids that are given after another subvolume has got them. */
function takenIdIssues(subvolumes: DraftSubvolumes, at: string): SpecIssue[] {
  const ids = idsOf(subvolumes.filter((subvolume) => subvolume !== undefined))
  return subvolumes.flatMap((subvolume, i): SpecIssue[] => {
    const taker = subvolumes.findIndex(
      (other) =>
        other?.id === undefined && other?.name !== '' && ids.get(other?.name ?? '') === subvolume?.id,
    )
    if (subvolume?.id === undefined || taker < 0) return []
    const message = `is also the id of ${at}subvolumes[${taker}], which has none of its own: give it one`
    return [{ path: `${at}subvolumes[${i}].id`, message }]
  })
}

const KEYS_OF_A_SOURCE = ['path', 'nodatacow', 'nodatasum', 'compression', 'property'] as const

/** A snapshot is like its source, and nothing can be put into it. */
function snapshotIssues({ subvolumes = [], swapfile }: Draft<BtrfsFileSystemSpec>, at: string): SpecIssue[] {
  return subvolumes.flatMap((subvolume, i): SpecIssue[] => {
    if (subvolume === undefined) return []
    const here = `${at}subvolumes[${i}]`
    const container = subvolume.name === undefined ? undefined : containerOf(subvolume.name, subvolumes)
    if (container?.name !== '' && container?.snapshotOf !== undefined) {
      return [{ path: `${here}.name`, message: `lies in "${container.name}", which is a snapshot` }]
    }
    if (subvolume.snapshotOf === undefined) return []
    if (subvolume.name === '') {
      return [{ path: `${here}.snapshotOf`, message: 'the top level cannot be a snapshot' }]
    }
    const issues = KEYS_OF_A_SOURCE.filter((key) => subvolume[key] !== undefined).map((key) => ({
      path: `${here}.${key}`,
      message: 'a snapshot inherits this from its source: leave it out',
    }))
    const source = subvolumes.find((other) => other?.name === subvolume.snapshotOf)
    if (source === undefined && subvolume.snapshotOf !== '') {
      issues.push({
        path: `${here}.snapshotOf`,
        message: `no subvolume has the name "${subvolume.snapshotOf}"`,
      })
    }
    if (rootOfSnapshots(subvolume, subvolumes) === undefined) {
      const message = 'leads back to this subvolume: one of them must not be a snapshot'
      issues.push({ path: `${here}.snapshotOf`, message })
    }
    if (
      swapfile?.path !== undefined &&
      holderOf(swapfile.path, subvolumes)?.name === rootOfSnapshots(subvolume, subvolumes)?.name
    ) {
      const message = 'holds the swap file, whose space cannot be shared: give it a subvolume of its own'
      issues.push({ path: `${here}.snapshotOf`, message })
    }
    return issues
  })
}

type DraftSubvolumes = NonNullable<Draft<BtrfsFileSystemSpec>['subvolumes']>

/** The subvolume that holds a path of the partition. */
function holderOf(path: string, subvolumes: DraftSubvolumes) {
  const lengthOf = (subvolume: DraftSubvolumes[number]) => {
    const above = subvolume && pathOf(subvolume, subvolumes)
    if (above === undefined) return -1
    return above === '/' || path === above || path.startsWith(`${above}/`) ? above.length : -1
  }
  const [deepest] = [...subvolumes].sort((a, b) => lengthOf(b) - lengthOf(a))
  return lengthOf(deepest) < 0 ? { name: '' } : deepest
}

/** Paths that the description itself needs. */
function neededPlaces({ subvolumes = [], swapfile }: Draft<BtrfsFileSystemSpec>, at: string): NeededPlace[] {
  return [
    ...subvolumes.map((subvolume, i) => ({
      path: subvolume && pathOf(subvolume, subvolumes),
      what: `what ${at}subvolumes[${i}] holds`,
    })),
    { path: swapfile?.path, what: 'the swap file' },
  ]
}

function swapfileIssues(
  { swapfile, profiles, mixed, subvolumes = [] }: Draft<BtrfsFileSystemSpec>,
  at: string,
): SpecIssue[] {
  if (swapfile === undefined) return []
  const issues: SpecIssue[] = []
  const size = swapfile.size === undefined ? undefined : parseSize(swapfile.size)!
  if (size !== undefined && (size < MIN_SWAP_BYTES || size % PAGE_SIZE !== 0)) {
    const message = `expected a multiple of ${PAGE_SIZE} bytes and at least ${MIN_SWAP_BYTES}, found ${size}`
    issues.push({ path: `${at}swapfile.size`, message })
  }
  if (
    profiles?.data === 'dup' ||
    (mixed === true && profiles?.data !== 'single' && profiles?.metadata !== 'single')
  ) {
    const message = 'the kernel swaps only to data with the profile "single", and here it is "dup"'
    issues.push({ path: `${at}swapfile`, message })
  }
  if (swapfile.path === '/') {
    issues.push({ path: `${at}swapfile.path`, message: 'is the root: expected the path of a file' })
  } else if (swapfile.path !== undefined && holderOf(swapfile.path, subvolumes)?.readOnly === true) {
    const message = 'lies in a read-only subvolume, where the kernel does not swap'
    issues.push({ path: `${at}swapfile.path`, message })
  }
  return issues
}

/** Content without copy on write has no checksums, and without checksums it is never compressed. */
function storageIssues(partition: Draft<BtrfsFileSystemSpec>, at: string): SpecIssue[] {
  const subvolumes = (partition.subvolumes ?? []).flatMap((subvolume, i) =>
    storageConflicts(subvolume, subvolume, `${at}subvolumes[${i}]`),
  )
  const paths = (partition.paths ?? []).flatMap((rule, i) => {
    const settings = rule?.path === undefined ? rule : storageAt(partition, rule.path)
    return storageConflicts(rule, settings, `${at}paths[${i}]`)
  })
  return [...subvolumes, ...paths]
}

type DraftStorage = Draft<Pick<StorageSpec, 'nodatacow' | 'nodatasum' | 'compression'>> | undefined

/** @param settings that are in force where the keys stand, be they inherited */
function storageConflicts(
  keys: DraftStorage,
  settings: Pick<NonNullable<DraftStorage>, 'nodatacow' | 'nodatasum'> | undefined,
  path: string,
): SpecIssue[] {
  const issues: SpecIssue[] = []
  const isCompressed = keys?.compression !== undefined && keys.compression !== 'none'
  const plain = (['nodatacow', 'nodatasum'] as const).find((key) => settings?.[key] === true)
  if (isCompressed && plain !== undefined) {
    const message = `"${plain}" content is never compressed: leave this out, or set "${plain}": false`
    issues.push({ path: `${path}.compression`, message })
  }
  if (keys?.nodatasum === false && settings?.nodatacow === true) {
    const message = '"nodatacow" content has no checksums: leave this out, or set "nodatacow": false'
    issues.push({ path: `${path}.nodatasum`, message })
  }
  return issues
}
