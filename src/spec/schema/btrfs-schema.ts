/** A BTRFS partition in an image description. */
import * as z from 'zod/mini'
import { INODE_FLAGS } from '../../file-tree/entry.ts'
import { linux, nixos } from './boot-schema.ts'
import { expected, utf8Length } from '../messages.ts'
import { ONE_SELECTION, pathSelection } from '../path-rules.ts'
import { implicitTime, mounting, place, seed, sources } from './partition-schema.ts'
import {
  sizeOrFit,
  compression,
  compressionProperty,
  fittingSize,
  linkName,
  linkTarget,
  mode,
  ownerId,
  path,
  size,
  subvolumeId,
  subvolumeName,
  text,
  time,
  uuid,
  xattrName,
  xattrValue,
} from './values.ts'

const storage = {
  nodatacow: z
    .optional(z.boolean())
    .check(z.describe('No copy on write, and therefore no checksums and no compression.')),
  nodatasum: z.optional(z.boolean()).check(z.describe('No checksums and no compression, but copy on write.')),
  compression: z
    .optional(compression)
    .check(
      z.describe(
        'How file content is compressed: "none", "lzo", "zlib" (level 3), "zlib:1" to "zlib:9", "zstd" ' +
          '(level 3), "zstd:1" to "zstd:19", "zstd:-1" to "zstd:-15" (fast).',
      ),
    ),
  bootFiles: z
    .optional(z.boolean())
    .check(
      z.describe(
        'Make these files readable by boot loaders of any age: no holes, and an uncompressed last sector in ' +
          'compressed files.',
      ),
    ),
}

const profile = z.enum(['single', 'dup'])

export const subvolume = z.strictObject({
  name: subvolumeName.check(
    z.describe(
      'Its path from the top level: "@", or "@/var/lib/machines" inside "@"; "" is the top level itself.',
    ),
  ),
  path: z
    .optional(path)
    .check(
      z.describe(
        'Path whose content is in this subvolume; by default its location, if it is inside a subvolume that ' +
          'has a path.',
      ),
    ),
  id: z
    .optional(subvolumeId)
    .check(z.describe('Id, at least 256; by default one more than the greatest id before it.')),
  ...storage,
  property: z
    .optional(compressionProperty)
    .check(
      z.describe(
        'Compression of what the kernel writes later (btrfs.compression), which overrides the mount options.',
      ),
    ),
  readOnly: z
    .optional(z.boolean())
    .check(z.describe('Read-only, until this is changed with "btrfs property".')),
  default: z
    .optional(z.boolean())
    .check(z.describe('This subvolume is mounted if none is named, and is the root for boot loaders.')),
  otime: z.optional(time).check(z.describe("Time of its creation; by default the image's.")),
  snapshotOf: z
    .optional(subvolumeName)
    .check(z.describe('Name of the subvolume of which this is a snapshot; read-only by default.')),
})

export const pathRule = z
  .strictObject({
    ...pathSelection('everything below it in the same subvolume'),
    ...storage,
    flags: z.optional(z.array(z.enum(INODE_FLAGS))).check(z.describe('Inode flags, as chattr(1) sets them.')),
    uid: z.optional(ownerId).check(z.describe('Owner.')),
    gid: z.optional(ownerId).check(z.describe('Group.')),
    mode: z.optional(mode).check(z.describe('Permissions in octal; not for symlinks.')),
    xattrs: z
      .optional(z.record(xattrName, xattrValue))
      .check(z.describe('Extended attributes: text or {"base64": "..."} sets one, null removes it.')),
  })
  .check(
    z.describe('Storage and metadata of certain files; later rules override earlier ones.'),
    z.meta(ONE_SELECTION),
  )

/** Keys of a BTRFS file system, in a partition or alone. */
export const btrfsFileSystem = {
  label: z
    .optional(
      text('a BTRFS label: at most 255 bytes on one line', /^[^\0\n]*$/, (label) => utf8Length(label) <= 255),
    )
    .check(z.describe('Label, at most 255 bytes.')),
  uuid: z.optional(uuid).check(z.describe('UUID of the file system, by default derived from the seed.')),
  slack: z
    .optional(size)
    .check(
      z.describe(
        'Free space that can be written to: added to the content with "size": "fit" (by default, enough to ' +
          'boot and grow the file system), and the minimum in a fixed size. With 0, the file system can be ' +
          'read and grown, but hardly written to.',
      ),
    ),
  nodeSize: z
    .optional(z.literal([4096, 8192, 16384, 32768, 65536], expected('4096, 8192, 16384, 32768 or 65536')))
    .check(
      z.describe('Size of tree blocks in bytes; 4096 is what mixed block groups need.'),
      z.meta({ default: 16384 }),
    ),
  checksum: z
    .optional(z.enum(['crc32c', 'xxhash64', 'sha256', 'blake2b']))
    .check(z.describe('Checksum algorithm of data and metadata.'), z.meta({ default: 'crc32c' })),
  profiles: z
    .optional(
      z.strictObject({
        system: z.optional(profile).check(z.describe('Profile of the chunk tree; "dup" by default.')),
        metadata: z.optional(profile).check(z.describe('Profile of all other trees; "dup" by default.')),
        data: z.optional(profile).check(z.describe('Profile of file content; "single" by default.')),
      }),
    )
    .check(z.describe('One copy ("single") or two ("dup").')),
  mixed: z
    .optional(z.boolean())
    .check(
      z.describe('Data and metadata in the same block groups, for small devices.'),
      z.meta({ default: false }),
    ),
  blockGroupTree: z
    .optional(z.boolean())
    .check(
      z.describe(
        'Store the block groups in their own tree, so that large file systems mount faster (Linux 6.1).',
      ),
      z.meta({ default: false }),
    ),
  compression: storage.compression.check(
    z.describe(
      'How file content is compressed where no subvolume or path says otherwise; "none" by default.',
    ),
  ),
  bootFiles: storage.bootFiles,
  inlineCompression: z
    .optional(z.boolean())
    .check(
      z.describe(
        'Also compress inline files where compression is on. The file system becomes smaller, and an ' +
          '.img.zst of it larger.',
      ),
      z.meta({ default: false }),
    ),
  dedupe: z
    .optional(z.boolean())
    .check(z.describe('Files of equal content share their space on disk.'), z.meta({ default: true })),
  subvolumes: z
    .optional(z.array(subvolume))
    .check(
      z.describe(
        'Subvolumes, and the paths whose content they hold. Without any, everything goes to the top level.',
      ),
    ),
  paths: z.optional(z.array(pathRule)).check(z.describe('Storage and metadata of certain files.')),
  swapfile: z
    .optional(
      z.strictObject({
        path: path.check(z.describe('Its path in the partition.')),
        size: size.check(z.describe('Its size, at least 40 KiB.')),
      }),
    )
    .check(z.describe('A swap file, ready for swapon(8).')),
  links: z
    .optional(z.record(linkName, linkTarget))
    .check(z.describe('Symlinks at the top level: names with their targets.')),
}

export const btrfs = z.strictObject({
  type: z.literal('btrfs').check(z.describe('A BTRFS file system.')),
  ...place,
  size: fittingSize.check(
    z.describe(
      'Size of the partition; "fit": what the content needs; "grow": up to the next partition or the end of the disk.',
    ),
  ),
  ...btrfsFileSystem,
  ...mounting,
  nixos: z.optional(nixos),
  linux: z.optional(linux),
  sources,
})

export const btrfsOptions = z.strictObject({
  size: z
    .optional(sizeOrFit)
    .check(z.describe('Size of the file system; "fit": what the content needs.'), z.meta({ default: 'fit' })),
  ...btrfsFileSystem,
  seed,
  time: implicitTime.check(z.describe('Time of everything that has none of its own; by default 1970.')),
})
