/** Partitions without files in an image description. */
import * as z from 'zod'
import { place } from './partition-schema.ts'
import { fileName, fittingSize, growingSize, swapLabel, uuid } from './values.ts'

export const raw = z.strictObject({
  type: z.literal('raw').describe('The bytes of a file as they are.'),
  ...place,
  source: fileName.describe('Path of the file.'),
  size: fittingSize
    .optional()
    .describe(
      'Size of the partition; "fit": that of the file, rounded up to a sector; "grow": all up to what follows.',
    )
    .meta({ default: 'fit' }),
})

export const swap = z.strictObject({
  type: z.literal('swap').describe('Swap space.'),
  ...place,
  size: growingSize.describe('Size of the partition; "grow": all up to what follows.'),
  label: swapLabel.optional().describe('Label of at most 15 bytes.'),
  uuid: uuid.optional().describe('UUID, by default derived from the seed.'),
  pageSize: z
    .literal([4096, 8192, 16384, 32768, 65536])
    .optional()
    .describe('Bytes of a page of the machine that uses it.')
    .meta({ default: 4096 }),
})

export const empty = z.strictObject({
  type: z.literal('empty').describe('Nothing but zeros.'),
  ...place,
  size: growingSize.describe('Size of the partition; "grow": all up to what follows.'),
})
