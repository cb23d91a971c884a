/**
 * The one definition of the image description: its shape, the form of every value, and a line about every
 * key. The types, the checks and the JSON Schema all come from here; rules between keys are in `rules.ts`.
 */
import { z } from 'zod'
import { uboot } from './boot-schema.ts'
import {
  btrfs,
  type btrfsFileSystem,
  type btrfsOptions,
  type pathRule,
  type subvolume,
} from './btrfs-schema.ts'
import { expected, missing } from './messages.ts'
import { fat32, type fat32FileSystem, type fat32Options } from './fat32-schema.ts'
import { implicitTime, seed, type source } from './partition-schema.ts'
import { diskId } from './values.ts'

const partition = z
  .discriminatedUnion('type', [fat32, btrfs])
  .describe('A partition; its type decides which keys it has.')

export const imageSpec = z
  .strictObject({
    $schema: z.string().optional().describe('Where editors find the JSON Schema.'),
    seed,
    time: implicitTime,
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
export type BtrfsFileSystemSpec = z.input<z.ZodObject<typeof btrfsFileSystem>>
/** Options of one BTRFS file system: the keys that a description has for it, apart from those about the partition. */
export type BtrfsOptions = z.input<typeof btrfsOptions>
export type Fat32FileSystemSpec = z.input<z.ZodObject<typeof fat32FileSystem>>
/** Options of one FAT32 file system: the keys that a description has for it, apart from those about the partition. */
export type Fat32Options = z.input<typeof fat32Options>
export type SubvolumeSpec = z.input<typeof subvolume>
export type PathRuleSpec = z.input<typeof pathRule>
export type SourceSpec = z.input<typeof source>

/** The JSON Schema (draft 2020-12) of the image description. */
export function imageSchema(): object {
  return z.toJSONSchema(imageSpec, { io: 'input' })
}
