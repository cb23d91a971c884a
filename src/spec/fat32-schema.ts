/** A FAT partition in an image description. */
import * as z from 'zod'
import { firmware } from './boot-schema.ts'
import { expected } from './messages.ts'
import { VOLUME_ID_PATTERN } from './numbers.ts'
import { ONE_SELECTION, pathSelection } from './path-rules.ts'
import { implicitTime, mounting, place, seed, sources } from './partition-schema.ts'
import { byte, clusterSize, fittingSize, integer, size, sizeOrFit, text } from './values.ts'

export const fatPathRule = z
  .strictObject({
    ...pathSelection('everything below it'),
    flags: z
      .array(
        z.enum([
          ...(['readonly', 'hidden', 'system', 'archive'] as const),
          ...(['-readonly', '-hidden', '-system', '-archive'] as const),
        ]),
      )
      .optional()
      .describe(
        'Attributes to set, or with "-" to clear. Files have "archive", those that nobody may write "readonly", too.',
      ),
    case: z.enum(['upper', 'lower']).optional().describe('The names are stored in this case.'),
  })
  .describe('Attributes and names of certain files; later rules override earlier ones.')
  .meta(ONE_SELECTION)

/** Keys of a FAT file system of any type, in a partition or alone. */
const fatFileSystem = {
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
  slack: size
    .optional()
    .describe('Bytes that must be free; with the size "fit", the free space in addition to the content.')
    .meta({ default: 0 }),
  clusterSize: clusterSize
    .optional()
    .describe(
      'Size of a cluster: a power of two from one sector to 64 KiB; by default that of "clusterTable".',
    ),
  clusterTable: z
    .enum(['mkfs.fat', 'windows'])
    .optional()
    .describe('The table that determines the cluster size.')
    .meta({ default: 'mkfs.fat' }),
  sectorSize: z
    .literal([512, 1024, 2048, 4096])
    .optional()
    .describe('Sector size in bytes; by default that of the disk, 512.'),
  reservedSectors: integer('a number of sectors from 1 to 65535', 1, 0xffff)
    .optional()
    .describe('Sectors before the first FAT; by default 32 in FAT32, else 1.'),
  hiddenSectors: integer('a number of sectors below 2^32', 0, 0xffff_ffff)
    .optional()
    .describe('Sectors on the disk before the file system; by default where its partition starts.'),
  fats: z.literal([1, 2]).optional().describe('Number of FATs.').meta({ default: 2 }),
  codePage: z
    .literal([437, 850])
    .optional()
    .describe('The code page of short names; without one, what is not ASCII becomes "_" in them.'),
  media: byte('a media byte: 0xf0, or 0xf8 to 0xff', (value) => value === 0xf0 || value >= 0xf8)
    .optional()
    .describe('Media byte; by default 0xf8, or that of a floppy disk of this size without a partition.'),
  oemName: text('a name of at most 8 ASCII characters', /^[\x20-\x7e]{0,8}$/)
    .optional()
    .describe('Name of the system in the boot sector.')
    .meta({ default: 'MSWIN4.1' }),
  driveNumber: byte('the number of a drive, 0 to 255 or like "0x80"')
    .optional()
    .describe('Number of the drive for the BIOS; by default 0x80, or 0 with a media byte other than 0xf8.'),
  symlinks: z
    .enum(['error', 'follow'])
    .optional()
    .describe('How symlinks are handled: an error, or a copy of the file or directory that each leads to.')
    .meta({ default: 'error' }),
  paths: z.array(fatPathRule).optional().describe('Attributes and names of certain files.'),
}

const fatRoot = {
  rootEntries: integer('a number of records from 16 to 65520', 16, 65520)
    .optional()
    .describe('Records of the root directory, which must fill whole sectors.')
    .meta({ default: 512 }),
}

const fatPartition = {
  ...place,
  size: fittingSize.describe(
    'Size of the partition; "fit": as small as the content and the type allow; "grow": all up to what follows.',
  ),
  ...fatFileSystem,
  ...mounting,
  firmware: firmware.optional(),
  sources,
}

export const fat12 = z.strictObject({
  type: z.literal('fat12').describe('A FAT12 file system: up to 4084 clusters.'),
  ...fatPartition,
  ...fatRoot,
})

export const fat16 = z.strictObject({
  type: z.literal('fat16').describe('A FAT16 file system: 4087 to 65524 clusters.'),
  ...fatPartition,
  ...fatRoot,
})

export const fat32 = z.strictObject({
  type: z.literal('fat32').describe('A FAT32 file system: 65525 clusters and more.'),
  ...fatPartition,
})

export const fatOptions = z.strictObject({
  type: z
    .enum(['fat12', 'fat16', 'fat32'], expected('"fat12", "fat16" or "fat32"'))
    .describe('Type of the file system.'),
  size: sizeOrFit.describe('Size of the file system; "fit": as small as the content and the type allow.'),
  ...fatFileSystem,
  ...fatRoot,
  seed,
  time: implicitTime.describe('Time of everything that has none of its own; by default 1970.'),
})
