/** The keys that partitions and file systems of all kinds have in common. */
import * as z from 'zod'
import { expected } from './messages.ts'
import { source } from './sources/table.ts'
import { mbrType, size, time } from './values.ts'

export const seed = z
  .string()
  .min(1, expected('a text that is not empty'))
  .optional()
  .describe('Seed of all UUIDs and ids that are not given.')
  .meta({ default: 'diskwright' })

export const implicitTime = time
  .optional()
  .describe('Time of everything that has none of its own; by default SOURCE_DATE_EPOCH, else 1970.')

export const place = {
  start: size
    .optional()
    .describe('Offset in the image; by default the next free one that is a multiple of 1 MiB.'),
  bootable: z.boolean().optional().describe('The active flag in the partition table.'),
  mbrType: mbrType
    .optional()
    .describe('The type byte in the partition table: 0x0c for FAT32 and 0x83 for BTRFS by default.'),
}

export const sources = z
  .array(source)
  .optional()
  .describe('Content, in this order: a later entry replaces an earlier one of the same path.')
