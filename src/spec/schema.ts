/**
 * The one definition of the image description: its shape, the form of every value, and a line about every
 * key. The types, the checks and the JSON Schema all come from here; rules between keys are in `rules.ts`.
 */
import { z } from 'zod'
import { expected, hasLoneSurrogate, missing, utf8Length } from './messages.ts'
import { DISK_ID_PATTERN, MBR_TYPE_PATTERN, VOLUME_ID_PATTERN, isContainerType, parseHex } from './numbers.ts'
import { SIZE_PATTERN, parseSize } from './sizes.ts'
import { TIME_PATTERN, parseTime } from './times.ts'

/** Text of a form; `means` is the rest of what it takes, which a pattern cannot say. */
function text(what: string, pattern: RegExp, means: (value: string) => boolean = () => true) {
  const message = expected(what)
  return z
    .string(message)
    .regex(pattern, { ...message, abort: true })
    .refine(means, message)
}

function integer(what: string, from: number, to: number) {
  const message = expected(what)
  const stop = { ...message, abort: true }
  return z.int(message).min(from, stop).max(to, stop)
}

const SIZE = 'a size in bytes or like "512MiB" (KiB, MiB, GiB, TiB)'
const sizeNumber = (what: string) => integer(what, 0, Number.MAX_SAFE_INTEGER)
const sizeText = (what: string) => text(what, SIZE_PATTERN, (value) => parseSize(value) !== undefined)
const size = z.union([sizeNumber(SIZE), sizeText(SIZE)], expected(SIZE))
const fat32Size = z.union([sizeNumber(SIZE), sizeText(SIZE)], {
  error: ({ input }) =>
    input === 'fit'
      ? `a FAT32 partition needs a size like "512MiB"; only BTRFS can be "fit"`
      : expected(SIZE).error({ input }),
})
const SIZE_OR_FIT = `${SIZE}, or "fit"`
const btrfsSize = z.union(
  [sizeNumber(SIZE_OR_FIT), z.literal('fit', expected(SIZE_OR_FIT)), sizeText(SIZE_OR_FIT)],
  expected(SIZE_OR_FIT),
)

const TIME = 'seconds since 1970, or a time like "2024-05-01" or "2024-05-01T12:00:00Z"'
const time = z.union(
  [z.int(expected(TIME)), text(TIME, TIME_PATTERN, (value) => parseTime(value) !== undefined)],
  expected(TIME),
)

const DISK_ID = 'a 32-bit number, or one like "0x2178694e"'
const diskId = z.union([integer(DISK_ID, 0, 0xffff_ffff), text(DISK_ID, DISK_ID_PATTERN)], expected(DISK_ID))

const MBR_TYPE = 'the type of a partition that holds a file system, 1 to 255 or like "0x0c"'
const isFileSystemType = (type: number | string) => parseHex(type) > 0 && !isContainerType(parseHex(type))
const mbrType = z.union(
  [
    integer(MBR_TYPE, 1, 255).refine(isFileSystemType, expected(MBR_TYPE)),
    text(MBR_TYPE, MBR_TYPE_PATTERN, isFileSystemType),
  ],
  expected(MBR_TYPE),
)

const NIL_UUID = '00000000-0000-0000-0000-000000000000'
const uuid = text(
  'a UUID like "44444444-4444-4444-8888-888888888889"',
  /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  (value) => value !== NIL_UUID,
)

const compression = text('"none", "zstd" or "zstd:1" to "zstd:15"', /^(?:none|zstd(?::(?:[1-9]|1[0-5]))?)$/)

const fitsName = (name: string) => utf8Length(name) <= 255 && !hasLoneSurrogate(name)
const subvolumeName = text(
  'a name of at most 255 bytes without "/", not "." or ".."; "" is the top level',
  /^(?!\.{1,2}$)[^/\0]*$/,
  fitsName,
)
const linkName = text(
  'a name of 1 to 255 bytes without "/", not "." or ".."',
  /^(?!\.{1,2}$)[^/\0]+$/,
  fitsName,
)
const linkTarget = text(
  'a link target of 1 to 4095 bytes',
  /^[^\0]+$/,
  (target) => utf8Length(target) <= 4095 && !hasLoneSurrogate(target),
)
const path = text(
  'an absolute path like "/boot", without empty, "." and ".." parts',
  /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+)$/,
  (value) => value.split('/').every(fitsName),
)
const fileName = text('the path of a file or folder', /^[^\0]+$/)

const source = z
  .strictObject({
    tar: fileName
      .optional()
      .describe('A tar archive (.tar, .tar.gz, .tar.zst), read once, front to back; "-" is standard input.'),
    directory: fileName.optional().describe('A folder, whose content is taken as it is.'),
    to: path
      .optional()
      .describe("Path in the partition that the source's root is put at.")
      .meta({ default: '/' }),
  })
  .describe('Where content comes from: one of "tar" and "directory", relative to the description\'s file.')
  .meta({ oneOf: [{ required: ['tar'] }, { required: ['directory'] }] })

const storage = {
  nodatacow: z
    .boolean()
    .optional()
    .describe('No copy on write, and with it no checksums and no compression.'),
  compression: compression
    .optional()
    .describe('How file content is compressed: "none", "zstd" (level 3), "zstd:1" to "zstd:15".'),
}

const subvolume = z.strictObject({
  name: subvolumeName.describe('Name in the top level; "" is the top level itself.'),
  path: path
    .optional()
    .describe('Path in the partition whose tree this subvolume holds; without it the subvolume stays empty.'),
  ...storage,
})

const pathRule = z.strictObject({
  path: path.describe('What the rule is for: this path and all below it, as far as its subvolume reaches.'),
  ...storage,
})

const place = {
  start: size
    .optional()
    .describe('Offset in the image; by default the next free one that is a multiple of 1 MiB.'),
  bootable: z.boolean().optional().describe('The active flag in the partition table.'),
  mbrType: mbrType
    .optional()
    .describe('The type byte in the partition table: 0x0c for FAT32 and 0x83 for BTRFS by default.'),
}

const sources = z
  .array(source)
  .optional()
  .describe('What is put in, in this order; a later entry replaces an earlier one of the same path.')

const fat32 = z.strictObject({
  type: z.literal('fat32').describe('A FAT32 file system.'),
  label: text(
    'a FAT label: at most 11 ASCII characters, none of " * + , . / : ; < = > ? [ \\ ] |, no space at the ends',
    /^(?! )[ !#$%&'()\-0-9@A-Z^_`a-z{}~]{0,11}(?<! )$/,
  )
    .optional()
    .describe('Volume label, at most 11 characters.'),
  volumeId: z
    .union(
      [
        integer('a 32-bit volume id like "1234-ABCD" or "0x1234abcd"', 0, 0xffff_ffff),
        text('a 32-bit volume id like "1234-ABCD" or "0x1234abcd"', VOLUME_ID_PATTERN),
      ],
      expected('a 32-bit volume id like "1234-ABCD" or "0x1234abcd"'),
    )
    .optional()
    .describe('Volume id, by default derived from the seed.'),
  ...place,
  size: fat32Size.describe('Size of the partition.'),
  sources,
})

const btrfs = z.strictObject({
  type: z.literal('btrfs').describe('A BTRFS file system.'),
  label: text(
    'a BTRFS label: at most 255 bytes on one line',
    /^[^\0\n]*$/,
    (label) => utf8Length(label) <= 255 && !hasLoneSurrogate(label),
  )
    .optional()
    .describe('Label, at most 255 bytes.'),
  uuid: uuid.optional().describe('UUID of the file system, by default derived from the seed.'),
  ...place,
  size: btrfsSize.describe('Size of the partition; "fit" (last partition only): what the content needs.'),
  slack: size
    .optional()
    .describe('Free space added with "size": "fit"; by default enough to boot and grow the file system.'),
  nodeSize: z
    .literal([4096, 8192, 16384, 32768, 65536], expected('4096, 8192, 16384, 32768 or 65536'))
    .optional()
    .describe('Size of tree blocks in bytes.')
    .meta({ default: 16384 }),
  profiles: z
    .strictObject({
      system: z.enum(['single', 'dup']).optional().describe('Profile of the chunk tree.'),
      metadata: z.enum(['single', 'dup']).optional().describe('Profile of all other trees.'),
    })
    .optional()
    .describe('One copy ("single") or two ("dup", the default) of the metadata.'),
  compression: storage.compression.describe(
    'How file content is compressed where no subvolume or path says otherwise; "none" by default.',
  ),
  dedupe: z
    .boolean()
    .optional()
    .describe('Files of equal content share their space on disk.')
    .meta({ default: true }),
  subvolumes: z
    .array(subvolume)
    .optional()
    .describe('Subvolumes, with the parts of the tree they hold; none: everything lies at the top level.'),
  paths: z.array(pathRule).optional().describe('How the files below certain paths are stored.'),
  links: z.record(linkName, linkTarget).optional().describe('Symlinks at the top level: name to target.'),
  sources,
})

const partition = z
  .discriminatedUnion('type', [fat32, btrfs])
  .describe('A partition; its type decides which keys it has.')

export const imageSpec = z
  .strictObject({
    $schema: z.string().optional().describe('Where editors find the JSON Schema.'),
    seed: z
      .string()
      .min(1, expected('a text that is not empty'))
      .optional()
      .describe('What all UUIDs and ids are derived from that are not given.')
      .meta({ default: 'diskwright' }),
    time: time
      .optional()
      .describe('Time of what has none of its own; by default SOURCE_DATE_EPOCH, else 1970.'),
    table: z
      .strictObject({
        type: z
          .literal('mbr', {
            error: ({ input }) =>
              input === undefined
                ? missing('"mbr"')
                : input === 'gpt'
                  ? 'GPT is not supported yet; expected "mbr"'
                  : expected('"mbr"').error({ input }),
          })
          .describe('Kind of partition table.'),
        diskId: diskId.optional().describe('Disk signature, by default derived from the seed.'),
      })
      .describe('The partition table.'),
    partitions: z
      .array(partition)
      .min(1, 'expected at least one partition, found none')
      .describe('The partitions, in the order of their numbers.')
      .meta({ maxItems: 4 }),
  })
  .meta({ title: 'diskwright image description' })

/** The image description, as it is written in JSON or handed to the API. */
export type ImageSpec = z.input<typeof imageSpec>
export type PartitionSpec = ImageSpec['partitions'][number]
export type Fat32Spec = Extract<PartitionSpec, { type: 'fat32' }>
export type BtrfsSpec = Extract<PartitionSpec, { type: 'btrfs' }>
export type SubvolumeSpec = z.input<typeof subvolume>
export type PathRuleSpec = z.input<typeof pathRule>
export type SourceSpec = z.input<typeof source>

/** The JSON Schema (draft 2020-12) of the image description. */
export function imageSchema(): object {
  return z.toJSONSchema(imageSpec, { io: 'input' })
}
