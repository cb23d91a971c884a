/** A BTRFS partition in an image description. */
import * as z from 'zod'
import { INODE_FLAGS } from '../file-tree/entry.ts'
import { linux, nixos } from './boot-schema.ts'
import { expected, utf8Length } from './messages.ts'
import { ONE_SELECTION, pathSelection } from './path-rules.ts'
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
    .boolean()
    .optional()
    .describe('No copy on write, and with it no checksums and no compression.'),
  nodatasum: z
    .boolean()
    .optional()
    .describe('No checksums, and with it no compression; there is still copy on write.'),
  compression: compression
    .optional()
    .describe(
      'How file content is compressed: "none", "lzo", "zlib" (level 3), "zlib:1" to "zlib:9", "zstd" (level 3), "zstd:1" to "zstd:19", "zstd:-1" to "zstd:-15" (fast).',
    ),
  bootFiles: z
    .boolean()
    .optional()
    .describe(
      'Make these files readable by boot loaders of any age: no holes, and an uncompressed last sector in compressed files.',
    ),
}

const profile = z.enum(['single', 'dup'])

export const subvolume = z.strictObject({
  name: subvolumeName.describe(
    'Its path from the top level: "@", or "@/var/lib/machines" inside "@"; "" is the top level itself.',
  ),
  path: path
    .optional()
    .describe(
      'Path in the partition whose tree this subvolume holds; by default the one it has inside a subvolume that has a path, and none elsewhere.',
    ),
  id: subvolumeId
    .optional()
    .describe('Id, from 256 on; by default one more than the greatest of those before it.'),
  ...storage,
  property: compressionProperty
    .optional()
    .describe(
      'Compression of what the kernel writes later (btrfs.compression), which overrides the mount options.',
    ),
  readOnly: z.boolean().optional().describe('Read-only, until this is changed with "btrfs property".'),
  default: z
    .boolean()
    .optional()
    .describe('Mounted when no subvolume is named, and the root that boot loaders see.'),
  otime: time.optional().describe("Time of its creation; by default the image's."),
  snapshotOf: subvolumeName
    .optional()
    .describe('Name of a subvolume whose content it holds, sharing all space; read-only by default.'),
})

export const pathRule = z
  .strictObject({
    ...pathSelection('everything below it in the same subvolume'),
    ...storage,
    flags: z.array(z.enum(INODE_FLAGS)).optional().describe('Inode flags, as chattr(1) sets them.'),
    uid: ownerId.optional().describe('Owner.'),
    gid: ownerId.optional().describe('Group.'),
    mode: mode.optional().describe('Permissions in octal; not for symlinks.'),
    xattrs: z
      .record(xattrName, xattrValue)
      .optional()
      .describe('Extended attributes, set or (null) removed: text, or {"base64": "..."}.'),
  })
  .describe('Storage and metadata of certain files; later rules override earlier ones.')
  .meta(ONE_SELECTION)

/** Keys of a BTRFS file system, in a partition or alone. */
export const btrfsFileSystem = {
  label: text(
    'a BTRFS label: at most 255 bytes on one line',
    /^[^\0\n]*$/,
    (label) => utf8Length(label) <= 255,
  )
    .optional()
    .describe('Label, at most 255 bytes.'),
  uuid: uuid.optional().describe('UUID of the file system, by default derived from the seed.'),
  slack: size
    .optional()
    .describe(
      'Free space that can be written: added with "size": "fit", by default enough to boot and grow the file system; ' +
        'what must be left in a fixed size. 0: the file system can be read and grown, and little else.',
    ),
  nodeSize: z
    .literal([4096, 8192, 16384, 32768, 65536], expected('4096, 8192, 16384, 32768 or 65536'))
    .optional()
    .describe('Size of tree blocks in bytes; 4096 is what mixed block groups need.')
    .meta({ default: 16384 }),
  checksum: z
    .enum(['crc32c', 'xxhash64', 'sha256', 'blake2b'])
    .optional()
    .describe('Checksum algorithm of data and metadata.')
    .meta({ default: 'crc32c' }),
  profiles: z
    .strictObject({
      system: profile.optional().describe('Profile of the chunk tree; "dup" by default.'),
      metadata: profile.optional().describe('Profile of all other trees; "dup" by default.'),
      data: profile.optional().describe('Profile of file content; "single" by default.'),
    })
    .optional()
    .describe('One copy ("single") or two ("dup").'),
  mixed: z
    .boolean()
    .optional()
    .describe('Data and metadata in the same block groups, for small devices.')
    .meta({ default: false }),
  blockGroupTree: z
    .boolean()
    .optional()
    .describe('Block groups in a tree of their own: large file systems mount faster. Needs Linux 6.1.')
    .meta({ default: false }),
  compression: storage.compression.describe(
    'How file content is compressed where no subvolume or path says otherwise; "none" by default.',
  ),
  bootFiles: storage.bootFiles,
  inlineCompression: z
    .boolean()
    .optional()
    .describe(
      'Compress inline files, too, where compression is on. The file system takes less space, an .img.zst of it more.',
    )
    .meta({ default: false }),
  dedupe: z
    .boolean()
    .optional()
    .describe('Files of equal content share their space on disk.')
    .meta({ default: true }),
  subvolumes: z
    .array(subvolume)
    .optional()
    .describe('Subvolumes, with the parts of the tree they hold; none: everything lies at the top level.'),
  paths: z.array(pathRule).optional().describe('Storage and metadata of certain files.'),
  swapfile: z
    .strictObject({
      path: path.describe('Its path in the partition.'),
      size: size.describe('Its size, at least 40 KiB.'),
    })
    .optional()
    .describe('A swap file, ready for swapon(8).'),
  links: z.record(linkName, linkTarget).optional().describe('Symlinks at the top level: name to target.'),
}

export const btrfs = z.strictObject({
  type: z.literal('btrfs').describe('A BTRFS file system.'),
  ...place,
  size: fittingSize.describe(
    'Size of the partition; "fit": what the content needs; "grow": all up to what follows.',
  ),
  ...btrfsFileSystem,
  ...mounting,
  nixos: nixos.optional(),
  linux: linux.optional(),
  sources,
})

export const btrfsOptions = z.strictObject({
  size: sizeOrFit
    .optional()
    .describe('Size of the file system; "fit": what the content needs.')
    .meta({ default: 'fit' }),
  ...btrfsFileSystem,
  seed,
  time: implicitTime.describe('Time of everything that has none of its own; by default 1970.'),
})
