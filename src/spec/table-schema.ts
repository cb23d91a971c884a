/** The partition table in an image description. */
import * as z from 'zod'
import { expected } from './messages.ts'
import { diskId, integer, size, uuid } from './values.ts'

export const mbrTable = z.strictObject({
  type: z.literal('mbr').describe('An MBR.'),
  diskId: diskId.optional().describe('Disk signature, by default derived from the seed.'),
})

export const gptTable = z.strictObject({
  type: z.literal('gpt').describe('A GPT.'),
  diskGuid: uuid.optional().describe('The GUID of the disk, by default derived from the seed.'),
  sectorSize: z
    .literal([512, 4096], expected('512 or 4096'))
    .optional()
    .describe('Sector size of the disk in bytes, the unit of addresses in the table.')
    .meta({ default: 512 }),
  entries: integer('a number of entries from 128 to 1024', 128, 1024)
    .optional()
    .describe('Number of entries, used or not.')
    .meta({ default: 128 }),
  entriesStart: size.optional().describe('Offset of the entries, by default right after the header.'),
  hybrid: z
    .array(integer('the number of a partition, from 1', 1, 1024))
    .min(1, 'expected one to three partitions, found none')
    .max(3, 'expected one to three partitions: the fourth entry of the MBR is the protective one')
    .optional()
    .describe('Numbers of one to three partitions that the MBR lists as well.'),
})

const noTable = z.strictObject({ type: z.literal('none').describe('No table: one bare file system.') })

export const partitionTable = z
  .discriminatedUnion('type', [mbrTable, gptTable, noTable])
  .describe('The partition table.')
