/** Partitions without files in an image description. */
import * as z from 'zod/mini'
import { place } from './partition-schema.ts'
import { fileName, fittingSize, growingSize, swapLabel, uuid } from './values.ts'

export const raw = z.strictObject({
  type: z.literal('raw').check(z.describe('The bytes of a file as they are.')),
  ...place,
  source: fileName.check(z.describe('Path of the file.')),
  size: z
    .optional(fittingSize)
    .check(
      z.describe(
        'Size of the partition; "fit": that of the file, rounded up to a sector; "grow": up to the next ' +
          'partition or the end of the disk.',
      ),
      z.meta({ default: 'fit' }),
    ),
})

export const swap = z.strictObject({
  type: z.literal('swap').check(z.describe('Swap space.')),
  ...place,
  size: growingSize.check(
    z.describe('Size of the partition; "grow": up to the next partition or the end of the disk.'),
  ),
  label: z.optional(swapLabel).check(z.describe('Label of at most 15 bytes.')),
  uuid: z.optional(uuid).check(z.describe('UUID, by default derived from the seed.')),
  pageSize: z
    .optional(z.literal([4096, 8192, 16384, 32768, 65536]))
    .check(z.describe('Page size of the machine that uses it, in bytes.'), z.meta({ default: 4096 })),
})

export const empty = z.strictObject({
  type: z.literal('empty').check(z.describe('Only zeros.')),
  ...place,
  size: growingSize.check(
    z.describe('Size of the partition; "grow": up to the next partition or the end of the disk.'),
  ),
})
