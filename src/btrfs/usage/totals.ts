/** Sums of what was found in the subvolumes. */
import { toDisplay } from '../../lib/byte-string.ts'
import type { Subvolume } from '../read/open.ts'
import type { ChunkUsage } from './chunks.ts'
import type { SubvolumeContent } from './content.ts'
import type { ExtentUseTable } from './extent-use.ts'
import type { BtrfsUsage, ContentTotals, SubvolumeUsage } from './report.ts'
import { givenUuid } from './superblocks.ts'

interface SubvolumeTotals {
  isDefault: boolean
  /** On disk, of extents that no other subvolume refers to. */
  exclusiveBytes: number
  metadataBlocks: number
}

export function subvolumeUsage(
  subvolume: Subvolume,
  content: SubvolumeContent,
  { isDefault, exclusiveBytes, metadataBlocks }: SubvolumeTotals,
): SubvolumeUsage {
  const { id, path, parent, readOnly, generation, otime } = subvolume
  const { inline } = content
  const inExtents = Object.values(content.extents).reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  return {
    id,
    path: toDisplay(path),
    parent: path === '' ? undefined : parent,
    uuid: givenUuid(subvolume.uuid),
    parentUuid: givenUuid(subvolume.parentUuid),
    receivedUuid: givenUuid(subvolume.receivedUuid),
    readOnly,
    default: isDefault,
    generation,
    otime,
    storedBytes: inExtents + inline.storedBytes,
    compressionRatio: ratioOf(content),
    exclusiveBytes,
    sharedBytes: inExtents - exclusiveBytes,
    metadataBlocks,
    ...content,
  }
}

/** Profiles of the chunks by their types. */
export function profilesOf(chunks: readonly ChunkUsage[]): BtrfsUsage['profiles'] {
  const profiles: BtrfsUsage['profiles'] = {}
  for (const { type, profile } of chunks) {
    const known = (profiles[type] ??= [])
    if (!known.includes(profile)) known.push(profile)
  }
  return profiles
}

/** All subvolumes together; what they share counts once. */
export function totalsOf(
  subvolumes: readonly SubvolumeUsage[],
  { extents, metadataBytes }: { extents: ExtentUseTable; metadataBytes: number },
): ContentTotals {
  const sum = (of: (subvolume: SubvolumeUsage) => number) =>
    subvolumes.reduce((total, subvolume) => total + of(subvolume), 0)
  const inline = {
    files: sum(({ inline }) => inline.files),
    storedBytes: sum(({ inline }) => inline.storedBytes),
    contentBytes: sum(({ inline }) => inline.contentBytes),
  }
  const all = [...Object.values(extents.stored), inline]
  return {
    files: sum(({ files }) => files),
    directories: sum(({ directories }) => directories),
    apparentBytes: sum(({ apparentBytes }) => apparentBytes),
    referencedBytes: sum(({ referencedBytes }) => referencedBytes),
    contentBytes: all.reduce((total, { contentBytes }) => total + contentBytes, 0),
    storedBytes: all.reduce((total, { storedBytes }) => total + storedBytes, 0),
    compressionRatio: ratioOf({ extents: extents.stored, inline }),
    sharedBytes: extents.bytesSharedByFiles(),
    extents: extents.stored,
    inline,
    metadataBytes,
  }
}

/** To three decimals. */
function ratioOf({ extents, inline }: Pick<SubvolumeContent, 'extents' | 'inline'>): number | undefined {
  let [content, stored] = [inline.contentBytes, inline.storedBytes]
  for (const [kind, { contentBytes, storedBytes }] of Object.entries(extents)) {
    if (kind === 'preallocated') continue
    content += contentBytes
    stored += storedBytes
  }
  return stored === 0 ? undefined : Math.round((1000 * content) / stored) / 1000
}
