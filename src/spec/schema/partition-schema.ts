/** The keys that partitions and file systems of all kinds have in common. */
import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { source } from '../sources/table.ts'
import { GPT_FLAG_NAMES } from '../notation/gpt-flags.ts'
import {
  alignment,
  gptName,
  gptType,
  integer,
  mbrType,
  mountOptions,
  path,
  size,
  time,
  uuid,
} from './values.ts'

const GPT_FLAG = `one of ${GPT_FLAG_NAMES.join(', ')}, or a bit from 0 to 63`

export const seed = z
  .optional(z.string().check(z.minLength(1, expected('a text that is not empty'))))
  .check(z.describe('Seed of all UUIDs and ids that are not given.'), z.meta({ default: 'diskwright' }))

export const implicitTime = z
  .optional(time)
  .check(
    z.describe('Time of everything that has no time of its own; by default SOURCE_DATE_EPOCH, else 1970.'),
  )

export const place = {
  start: z
    .optional(size)
    .check(
      z.describe(
        'Offset in the image; by default after all partitions that precede it in the description, at a ' +
          'multiple of "align".',
      ),
    ),
  align: z
    .optional(alignment)
    .check(z.describe('If "start" is not given, it is a multiple of this.'), z.meta({ default: '1MiB' })),
  inTable: z
    .optional(z.boolean())
    .check(
      z.describe(
        'If false, the partition has no entry in the table, and may be located between the parts of the table.',
      ),
      z.meta({ default: true }),
    ),
  bootable: z
    .optional(z.boolean())
    .check(z.describe('The active flag in an MBR; in a GPT the attribute "legacy-bios-bootable".')),
  mbrType: z
    .optional(mbrType)
    .check(
      z.describe(
        'The type byte in an MBR: by default 0x0c for FAT32, 0x0e for FAT16, 0x01 for FAT12, 0x82 for swap ' +
          'space, 0x83 for all others.',
      ),
    ),
  gptType: z
    .optional(gptType)
    .check(
      z.describe(
        'The type in a GPT: by default "basic-data" for FAT, "swap" for swap space, "linux-generic" for all others.',
      ),
    ),
  gptName: z
    .optional(gptName)
    .check(z.describe('The name in a GPT; by default the label of the file system.')),
  partUuid: z
    .optional(uuid)
    .check(z.describe("The partition's own GUID in a GPT, by default derived from the seed.")),
  gptFlags: z
    .optional(z.array(z.union([z.enum(GPT_FLAG_NAMES), integer(GPT_FLAG, 0, 63)], expected(GPT_FLAG))))
    .check(z.describe('Attributes in a GPT: names, or bits from 0 to 63.')),
}

/** Where the system mounts a partition with files. */
export const mounting = {
  mount: z
    .optional(path)
    .check(z.describe('Path at which the system mounts it: for "sources" and "fstab" of the image.')),
  mountOptions: z
    .optional(mountOptions)
    .check(z.describe('Options for fstab: by default the compression of BTRFS, and "umask=0077" for FAT32.')),
}

export const sources = z
  .optional(z.array(source))
  .check(z.describe('Content, in this order: a later entry replaces an earlier one of the same path.'))
