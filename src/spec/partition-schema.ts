/** The keys that partitions and file systems of all kinds have in common. */
import * as z from 'zod'
import { isIterable } from '../file-tree/entry-values.ts'
import type { EntrySource } from './image-spec.ts'
import { expected } from './messages.ts'
import { fileName, mbrType, path, size, time } from './values.ts'

/** Whether a value can be iterated, or is a function; what that gives is known when it is called. */
function isEntrySource(value: unknown): boolean {
  return typeof value === 'function' || isIterable(value)
}

export const seed = z
  .string()
  .min(1, expected('a text that is not empty'))
  .optional()
  .describe('Seed of all UUIDs and ids that are not given.')
  .meta({ default: 'diskwright' })

export const implicitTime = time
  .optional()
  .describe('Time of everything that has none of its own; by default SOURCE_DATE_EPOCH, else 1970.')

export const source = z
  .strictObject({
    tar: fileName
      .optional()
      .describe('A tar archive (.tar, .tar.gz, .tar.zst), read once, front to back; "-" is standard input.'),
    directory: fileName.optional().describe('A folder, whose content is taken as it is.'),
    entries: z
      .custom<EntrySource>(
        isEntrySource,
        expected('entries that can be iterated, or a function that gives them'),
      )
      .optional()
      .describe('Entries made by a program.'),
    to: path
      .optional()
      .describe("Path in the partition below which the source's root is put.")
      .meta({ default: '/' }),
  })
  .describe('A source of content: one of "tar" and "directory", relative to the description\'s file.')
  .meta({ oneOf: [{ required: ['tar'] }, { required: ['directory'] }] })

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
