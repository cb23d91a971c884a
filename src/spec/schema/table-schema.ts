/** The partition table in an image description. */
import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { diskId, integer, size, uuid } from './values.ts'

export const mbrTable = z.strictObject({
  type: z.literal('mbr').check(z.describe('An MBR.')),
  diskId: z.optional(diskId).check(z.describe('Disk signature, by default derived from the seed.')),
})

export const gptTable = z.strictObject({
  type: z.literal('gpt').check(z.describe('A GPT.')),
  diskGuid: z.optional(uuid).check(z.describe('The GUID of the disk, by default derived from the seed.')),
  sectorSize: z
    .optional(z.literal([512, 4096], expected('512 or 4096')))
    .check(
      z.describe('Sector size of the disk in bytes, the unit of addresses in the table.'),
      z.meta({ default: 512 }),
    ),
  entries: z
    .optional(integer('a number of entries from 128 to 1024', 128, 1024))
    .check(z.describe('Number of entries, used or not.'), z.meta({ default: 128 })),
  entriesStart: z
    .optional(size)
    .check(z.describe('Offset of the entries, by default right after the header.')),
  hybrid: z
    .optional(
      z
        .array(integer('the number of a partition, from 1', 1, 1024))
        .check(
          z.minLength(1, 'expected one to three partitions, found none'),
          z.maxLength(
            3,
            'expected one to three partitions: the fourth entry of the MBR is the protective one',
          ),
        ),
    )
    .check(z.describe('Numbers of one to three partitions that the MBR lists as well.')),
})

const noTable = z.strictObject({
  type: z.literal('none').check(z.describe('No table: one bare file system.')),
})

export const partitionTable = z
  .discriminatedUnion('type', [mbrTable, gptTable, noTable])
  .check(z.describe('The partition table.'))
