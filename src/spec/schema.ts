/**
 * The one definition of the image description: its shape, the form of every value, and a line about every
 * key. The types, the checks and the JSON Schema all come from here; rules between keys are in `rules.ts`.
 */
import { z } from 'zod'
import { firmware, uboot } from './boot-schema.ts'
import { btrfs, type pathRule, type subvolume } from './btrfs-schema.ts'
import { expected, missing } from './messages.ts'
import { VOLUME_ID_PATTERN } from './numbers.ts'
import { place, type source, sources } from './partition-schema.ts'
import { diskId, fat32Size, integer, text, time } from './values.ts'

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
  firmware: firmware.optional(),
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
    bootFromBTRFS: z
      .boolean()
      .optional()
      .describe(
        'Where the boot files lie, and which partition is bootable: true, BTRFS, in /boot; false, the FAT32 partition.',
      )
      .meta({ default: true }),
    BTRFSDupData: z
      .boolean()
      .optional()
      .describe('Two copies of all file content on BTRFS: short for "profiles": { "data": "dup" }.'),
    uboot: uboot.optional(),
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
