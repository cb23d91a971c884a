/**
 * The schema of the image description: its shape, the form of every value, and a description of every key. The checks
 * and the JSON Schema (`json-schema.ts`) come from here; rules between keys are in `rules/`. Its types are those of
 * `image-spec.ts`.
 */
import * as z from 'zod/mini'
import { uboot } from './boot-schema.ts'
import { btrfs } from './btrfs-schema.ts'
import { fat12, fat16, fat32 } from './fat32-schema.ts'
import { implicitTime, seed, sources } from './partition-schema.ts'
import { empty, raw, swap } from './fileless-schema.ts'
import { partitionTable } from './table-schema.ts'
import { size } from './values.ts'

const partition = z
  .discriminatedUnion('type', [fat32, fat16, fat12, btrfs, raw, swap, empty])
  .check(z.describe('A partition; its type decides which keys it has.'))

export const imageSpec = z
  .strictObject({
    $schema: z.optional(z.string()).check(z.describe('Location of the JSON Schema, for editors.')),
    seed,
    time: implicitTime,
    table: partitionTable,
    diskSize: z
      .optional(size)
      .check(
        z.describe(
          'Size of the disk; by default it ends where its last partition and the backup of its table end.',
        ),
      ),
    bootFromBTRFS: z
      .optional(z.boolean())
      .check(
        z.describe(
          'True: the boot files are in /boot on BTRFS, and that partition is bootable. False: they are on ' +
            'the FAT partition.',
        ),
        z.meta({ default: true }),
      ),
    BTRFSDupData: z
      .optional(z.boolean())
      .check(z.describe('Two copies of all file content on BTRFS: short for "profiles": { "data": "dup" }.')),
    uboot: z.optional(uboot),
    sources: z
      .optional(sources)
      .check(
        z.describe(
          'Content for several partitions: each entry goes to the partition with the longest matching "mount".',
        ),
      ),
    fstab: z
      .optional(z.boolean())
      .check(
        z.describe('Whether /etc/fstab is written for the partitions with a "mount", and for swap space.'),
      ),
    partitions: z
      .array(partition)
      .check(
        z.minLength(1, 'expected at least one partition, found none'),
        z.describe('The partitions, in the order of their numbers.'),
      ),
  })
  .check(z.meta({ title: 'diskwright image description' }))
