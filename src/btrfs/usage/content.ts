/** Counts of what a subvolume holds. */
import type { StoredByKind } from './extent-use.ts'

/** Content that is stored in the metadata, beside the inodes. */
export interface InlineContent {
  files: number
  storedBytes: number
  contentBytes: number
}

/** Numbers that add up, whichever way the items of a subvolume are divided. */
export interface ItemCounts {
  /** Regular files; a file with several names counts once. */
  files: number
  directories: number
  symlinks: number
  /** Devices, fifos and sockets. */
  specials: number
  /** Names in directories, including each hard link and each subvolume. */
  entries: number
  /** Sum of the sizes of the regular files, holes included. */
  apparentBytes: number
  /** Bytes of content in extents and inline, counted once for each reference; holes are not counted. */
  referencedBytes: number
  inline: InlineContent
}

/** The content of a subvolume. */
export interface SubvolumeContent extends ItemCounts {
  /** Each extent counted once, however often the subvolume refers to it. */
  extents: StoredByKind
  /** Of the stored bytes, those of NODATACOW files. */
  nodatacowBytes: number
}

export function noItems(): ItemCounts {
  return {
    files: 0,
    directories: 0,
    symlinks: 0,
    specials: 0,
    entries: 0,
    apparentBytes: 0,
    referencedBytes: 0,
    inline: { files: 0, storedBytes: 0, contentBytes: 0 },
  }
}

export function addItems(to: ItemCounts, more: ItemCounts): void {
  to.files += more.files
  to.directories += more.directories
  to.symlinks += more.symlinks
  to.specials += more.specials
  to.entries += more.entries
  to.apparentBytes += more.apparentBytes
  to.referencedBytes += more.referencedBytes
  to.inline.files += more.inline.files
  to.inline.storedBytes += more.inline.storedBytes
  to.inline.contentBytes += more.inline.contentBytes
}
