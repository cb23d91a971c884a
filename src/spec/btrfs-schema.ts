/** A BTRFS partition in an image description. */
import { z } from 'zod'
import { nixos } from './boot-schema.ts'
import { expected, utf8Length } from './messages.ts'
import { implicitTime, place, seed, sources } from './partition-schema.ts'
import {
  btrfsSize,
  compression,
  glob,
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
  compression: compression
    .optional()
    .describe(
      'How file content is compressed: "none", "lzo", "zlib" (level 3), "zlib:1" to "zlib:9", "zstd" (level 3), "zstd:1" to "zstd:15".',
    ),
  bootFiles: z
    .boolean()
    .optional()
    .describe(
      'Boot loaders of any age read these files: they have no holes, and what is compressed ends with a plain sector.',
    ),
}

const profile = z.enum(['single', 'dup'])

export const subvolume = z.strictObject({
  name: subvolumeName.describe(
    'Where it lies, seen from the top level: "@", or "@/var/lib/machines" inside of "@"; "" is the top level itself.',
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
  property: z
    .enum(['none', 'lzo', 'zlib', 'zstd'])
    .optional()
    .describe(
      'How the kernel compresses what is written later (btrfs.compression), whatever the mount options say.',
    ),
  readOnly: z.boolean().optional().describe('Nothing in it can be changed until this is taken back.'),
  default: z
    .boolean()
    .optional()
    .describe('What is mounted when no subvolume is asked for; boot loaders take it for the root, too.'),
  otime: time.optional().describe("Time of its making; by default the image's."),
  snapshotOf: subvolumeName
    .optional()
    .describe('Name of a subvolume whose content it holds, sharing all space; read-only by default.'),
})

export const pathRule = z
  .strictObject({
    path: path
      .optional()
      .describe('What the rule is for: this path and all below it, as far as its subvolume reaches.'),
    glob: glob
      .optional()
      .describe(
        'What the rule is for: paths of this pattern, with "*", "?", "[a-z]", and "**" for any directories.',
      ),
    ...storage,
    flags: z
      .array(z.enum(['append', 'immutable', 'noatime', 'nodump', 'sync']))
      .optional()
      .describe('Inode flags, as chattr(1) sets them.'),
    uid: ownerId.optional().describe('Owner.'),
    gid: ownerId.optional().describe('Group.'),
    mode: mode.optional().describe('Permissions in octal; not for symlinks.'),
    xattrs: z
      .record(xattrName, xattrValue)
      .optional()
      .describe('Extended attributes, set or (null) removed: text, or {"base64": "..."}.'),
    exclude: z.boolean().optional().describe('Leave it out, and all below it.'),
  })
  .describe('How some files are stored, and what is changed of them; later rules go over earlier ones.')
  .meta({ oneOf: [{ required: ['path'] }, { required: ['glob'] }] })

/** Keys that say what a BTRFS file system is like, wherever it lies. */
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
    .describe('Free space added with "size": "fit"; by default enough to boot and grow the file system.'),
  nodeSize: z
    .literal([4096, 8192, 16384, 32768, 65536], expected('4096, 8192, 16384, 32768 or 65536'))
    .optional()
    .describe('Size of tree blocks in bytes; 4096 is what mixed block groups need.')
    .meta({ default: 16384 }),
  checksum: z
    .enum(['crc32c', 'xxhash64', 'sha256', 'blake2b'])
    .optional()
    .describe('What protects data and metadata.')
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
      'Where files are compressed, those that lie in the trees are as well. The file system takes less space, an .img.zst of it more.',
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
  paths: z.array(pathRule).optional().describe('How certain files are stored, and what is changed of them.'),
  swapfile: z
    .strictObject({
      path: path.describe('Where it is put.'),
      size: size.describe('Its size, at least 40 KiB.'),
    })
    .optional()
    .describe('A swap file, ready for swapon(8).'),
  links: z.record(linkName, linkTarget).optional().describe('Symlinks at the top level: name to target.'),
}

export const btrfs = z.strictObject({
  type: z.literal('btrfs').describe('A BTRFS file system.'),
  ...place,
  size: btrfsSize.describe('Size of the partition; "fit" (last partition only): what the content needs.'),
  ...btrfsFileSystem,
  nixos: nixos.optional(),
  sources,
})

export const btrfsOptions = z.strictObject({
  size: btrfsSize
    .optional()
    .describe('Size of the file system; "fit": what the content needs.')
    .meta({ default: 'fit' }),
  ...btrfsFileSystem,
  seed,
  time: implicitTime.describe('Time of what has none of its own; by default 1970.'),
})
