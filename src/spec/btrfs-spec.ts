import type { LinuxSpec, NixosSpec } from './boot-spec.ts'
import type { PartitionPlaceSpec } from './image-spec.ts'
import type { PathSelectionSpec } from './path-rule-spec.ts'

/** How the content of files is stored. */
export interface StorageSpec {
  /** No copy on write, and therefore no checksums and no compression. Default: false. */
  nodatacow?: boolean
  /** No checksums and no compression, but copy on write. Default: false. */
  nodatasum?: boolean
  /**
   * How file content is compressed: `none`, `lzo`, `zlib` (level 3), `zlib:1` to `zlib:9`, `zstd` (level 3), `zstd:1`
   * to `zstd:19`, `zstd:-1` to `zstd:-15` (fast). The kernel itself writes with levels up to 15. Default: inherited; `none` for the partition.
   */
  compression?: string
  /**
   * Make these files readable by boot loaders of any age: no holes, and an uncompressed last sector in compressed files.
   * Default: false.
   */
  bootFiles?: boolean
}

/** Keys of a BTRFS file system. `compression` and `bootFiles` apply where no subvolume or path says otherwise. */
export interface BtrfsFileSystemSpec extends Omit<StorageSpec, 'nodatacow' | 'nodatasum'> {
  /** Label: at most 255 bytes on one line. Default: none. */
  label?: string
  /** UUID of the file system. Default: derived from the seed. */
  uuid?: string
  /**
   * Free space that can be written: bytes, or text like `64MiB`. `size: 'fit'` adds it; in a fixed size it must be left.
   * 0: the file system can be read and grown, and little else. Default: enough to boot and grow the file system with
   * `size: 'fit'`; in a fixed size, what is left, if anything can be written at all.
   */
  slack?: number | string
  /** Size of tree blocks in bytes. Default: 16384, and 4096 with `mixed`, which needs that. */
  nodeSize?: 4096 | 8192 | 16384 | 32768 | 65536
  /** Checksum algorithm of data and metadata. Default: `crc32c`. */
  checksum?: 'crc32c' | 'xxhash64' | 'sha256' | 'blake2b'
  /** One copy (`single`) or two (`dup`). */
  profiles?: ProfilesSpec
  /** Data and metadata in the same block groups, for small devices. Default: false. */
  mixed?: boolean
  /** Store the block groups in their own tree, so that large file systems mount faster (Linux 6.1). Default: false. */
  blockGroupTree?: boolean
  /**
   * Also compress inline files where compression is on. The file system becomes smaller, and an .img.zst of it larger.
   * Default: false.
   */
  inlineCompression?: boolean
  /** Files of equal content share their space on disk. Default: true. */
  dedupe?: boolean
  /** Subvolumes, with the parts of the tree they hold. Default: none, everything lies at the top level. */
  subvolumes?: SubvolumeSpec[]
  /** Storage and metadata of certain files. Later rules override earlier ones. */
  paths?: PathRuleSpec[]
  /** A swap file, ready for swapon(8). */
  swapfile?: SwapfileSpec
  /**
   * Symlinks at the top level: names with their targets.
   *
   * @example { boot: '@boot' }
   */
  links?: Record<string, string>
}

/** A BTRFS partition. */
export interface BtrfsSpec extends PartitionPlaceSpec, BtrfsFileSystemSpec {
  /** A BTRFS file system. */
  type: 'btrfs'
  /**
   * Size of the partition: bytes, or text like `4GiB`, a multiple of 4096 bytes; `fit`: what the content needs; `grow`:
   * all up to what follows.
   */
  size: number | string
  /** The sources are the closure of a NixOS system, which is installed and made bootable. */
  nixos?: NixosSpec
  /** The sources are a root file system with kernels in /boot, like that of Debian, which is made bootable. */
  linux?: LinuxSpec
}

/** Options of one BTRFS file system: the keys that a description has for it, apart from those about the partition. */
export interface BtrfsOptions extends BtrfsFileSystemSpec {
  /** Size of the file system: bytes, or text like `4GiB`; `fit`: what the content needs. Default: `fit`. */
  size?: number | string
  /** Seed of all UUIDs that are not given. Default: `diskwright`. */
  seed?: string
  /** Time of what has none of its own: seconds since 1970, or ISO 8601 text. Default: 1970. */
  time?: number | string
}

/** Profile of each kind of block group: one copy (`single`) or two (`dup`). */
export interface ProfilesSpec {
  /** Profile of the chunk tree. Default: `dup`. */
  system?: 'single' | 'dup'
  /** Profile of all other trees. Default: `dup`. */
  metadata?: 'single' | 'dup'
  /** Profile of file content. Default: `single`; with `mixed`, that of the metadata. */
  data?: 'single' | 'dup'
}

/** A subvolume. */
export interface SubvolumeSpec extends StorageSpec {
  /**
   * Its path from the top level: `@`, or `@/var/lib/machines` inside `@`; an empty string is the top level itself.
   */
  name: string
  /**
   * Path in the partition whose tree this subvolume holds. Default: the one it has inside a subvolume that has a path,
   * and none elsewhere.
   */
  path?: string
  /** Id, from 256 on. Default: one more than the greatest of those before it. */
  id?: number
  /**
   * Compression of what the kernel writes later (btrfs.compression), which overrides the mount options: `none`, `lzo`,
   * `zlib`, `zstd`, and levels as the kernel takes them, such as `zlib:9`, `zstd:15` and `zstd:-5`. Default: the mount options
   * decide.
   */
  property?: string
  /** Read-only, until this is changed with `btrfs property`. Default: false, and true for snapshots. */
  readOnly?: boolean
  /** This subvolume is mounted if none is named, and is the root for boot loaders. Default: false. */
  default?: boolean
  /** Time of its creation: seconds since 1970, or ISO 8601 text. Default: the image's time. */
  otime?: number | string
  /** Name of a subvolume whose content it holds, sharing all space; that may be a snapshot, too. */
  snapshotOf?: string
}

/** Storage and metadata of the files at a `path` or of those that match a `glob`. */
export interface PathRuleSpec extends StorageSpec, PathSelectionSpec {
  /** Inode flags, as chattr(1) sets them. */
  flags?: ('append' | 'immutable' | 'noatime' | 'nodump' | 'sync')[]
  /** Number of the owner. */
  uid?: number
  /** Number of the group. */
  gid?: number
  /** Permissions in octal digits, like `0755`; not for symlinks. */
  mode?: string
  /** Extended attributes, set or (null) removed: text, or bytes in base64. */
  xattrs?: Record<string, string | { base64: string } | null>
}

/** A swap file. */
export interface SwapfileSpec {
  /** Its path in the partition. */
  path: string
  /** Its size: bytes, or text like `1GiB`; at least 40 KiB. */
  size: number | string
}
