/** A FAT partition in an image description. */
import * as z from 'zod/mini'
import { firmware } from './boot-schema.ts'
import { expected } from '../messages.ts'
import { VOLUME_ID_PATTERN } from '../notation/numbers.ts'
import { ONE_SELECTION, pathSelection } from '../path-rules.ts'
import { implicitTime, mounting, place, seed, sources } from './partition-schema.ts'
import { byte, clusterSize, fittingSize, integer, size, sizeOrFit, text } from './values.ts'

export const fatPathRule = z
  .strictObject({
    ...pathSelection('everything below it'),
    flags: z
      .optional(
        z.array(
          z.enum([
            ...(['readonly', 'hidden', 'system', 'archive'] as const),
            ...(['-readonly', '-hidden', '-system', '-archive'] as const),
          ]),
        ),
      )
      .check(
        z.describe(
          'Attributes to set, or with "-" to clear. Files also have "archive", and "readonly" if nobody may ' +
            'write to them.',
        ),
      ),
    case: z.optional(z.enum(['upper', 'lower'])).check(z.describe('Case in which names are stored.')),
  })
  .check(
    z.describe('Attributes and names of certain files; later rules override earlier ones.'),
    z.meta(ONE_SELECTION),
  )

/** Keys of a FAT file system of any type, in a partition or alone. */
const fatFileSystem = {
  label: z
    .optional(
      text(
        'a FAT label: at most 11 ASCII characters, none of " * + , . / : ; < = > ? [ \\ ] |, no space at the ends',
        /^(?! )[ !#$%&'()\-0-9@A-Z^_`a-z{}~]{0,11}(?<! )$/,
      ),
    )
    .check(z.describe('Volume label, at most 11 characters.')),
  volumeId: z
    .optional(
      z.union(
        [
          integer('a 32-bit volume id like "1234-ABCD" or "0x1234abcd"', 0, 0xffff_ffff),
          text('a 32-bit volume id like "1234-ABCD" or "0x1234abcd"', VOLUME_ID_PATTERN),
        ],
        expected('a 32-bit volume id like "1234-ABCD" or "0x1234abcd"'),
      ),
    )
    .check(z.describe('Volume id, by default derived from the seed.')),
  slack: z
    .optional(size)
    .check(
      z.describe('Bytes that must be free; with the size "fit", the free space in addition to the content.'),
      z.meta({ default: 0 }),
    ),
  clusterSize: z
    .optional(clusterSize)
    .check(
      z.describe(
        'Size of a cluster: a power of two from one sector to 64 KiB; by default that of "clusterTable".',
      ),
    ),
  clusterTable: z
    .optional(z.enum(['mkfs.fat', 'windows']))
    .check(z.describe('The table that determines the cluster size.'), z.meta({ default: 'mkfs.fat' })),
  sectorSize: z
    .optional(z.literal([512, 1024, 2048, 4096]))
    .check(z.describe('Sector size in bytes; by default that of the disk, 512.')),
  reservedSectors: z
    .optional(integer('a number of sectors from 1 to 65535', 1, 0xffff))
    .check(z.describe('Sectors before the first FAT; by default 32 in FAT32, else 1.')),
  hiddenSectors: z
    .optional(integer('a number of sectors below 2^32', 0, 0xffff_ffff))
    .check(z.describe('Sectors on the disk before the file system; by default where its partition starts.')),
  fats: z.optional(z.literal([1, 2])).check(z.describe('Number of FATs.'), z.meta({ default: 2 })),
  codePage: z
    .optional(z.literal([437, 850]))
    .check(z.describe('The code page of short names; without one, what is not ASCII becomes "_" in them.')),
  media: z
    .optional(byte('a media byte: 0xf0, or 0xf8 to 0xff', (value) => value === 0xf0 || value >= 0xf8))
    .check(
      z.describe('Media byte; by default 0xf8, or that of a floppy disk of this size without a partition.'),
    ),
  oemName: z
    .optional(text('a name of at most 8 ASCII characters', /^[\x20-\x7e]{0,8}$/))
    .check(z.describe('Name of the system in the boot sector.'), z.meta({ default: 'MSWIN4.1' })),
  driveNumber: z
    .optional(byte('the number of a drive, 0 to 255 or like "0x80"'))
    .check(
      z.describe(
        'Number of the drive for the BIOS; by default 0x80, or 0 with a media byte other than 0xf8.',
      ),
    ),
  symlinks: z
    .optional(z.enum(['error', 'follow']))
    .check(
      z.describe(
        'How symlinks are handled: an error, or a copy of the file or directory that each leads to.',
      ),
      z.meta({ default: 'error' }),
    ),
  paths: z.optional(z.array(fatPathRule)).check(z.describe('Attributes and names of certain files.')),
}

const fatRoot = {
  rootEntries: z
    .optional(integer('a number of records from 16 to 65520', 16, 65520))
    .check(
      z.describe('Records of the root directory, which must fill whole sectors.'),
      z.meta({ default: 512 }),
    ),
}

const fatPartition = {
  ...place,
  size: fittingSize.check(
    z.describe(
      'Size of the partition; "fit": as small as the content and the type allow; "grow": up to the next ' +
        'partition or the end of the disk.',
    ),
  ),
  ...fatFileSystem,
  ...mounting,
  firmware: z.optional(firmware),
  sources,
}

export const fat12 = z.strictObject({
  type: z.literal('fat12').check(z.describe('A FAT12 file system: up to 4084 clusters.')),
  ...fatPartition,
  ...fatRoot,
})

export const fat16 = z.strictObject({
  type: z.literal('fat16').check(z.describe('A FAT16 file system: 4087 to 65524 clusters.')),
  ...fatPartition,
  ...fatRoot,
})

export const fat32 = z.strictObject({
  type: z.literal('fat32').check(z.describe('A FAT32 file system: 65525 clusters and more.')),
  ...fatPartition,
})

export const fatOptions = z.strictObject({
  type: z
    .enum(['fat12', 'fat16', 'fat32'], expected('"fat12", "fat16" or "fat32"'))
    .check(z.describe('Type of the file system.')),
  size: sizeOrFit.check(
    z.describe('Size of the file system; "fit": as small as the content and the type allow.'),
  ),
  ...fatFileSystem,
  ...fatRoot,
  seed,
  time: implicitTime.check(z.describe('Time of everything that has none of its own; by default 1970.')),
})
