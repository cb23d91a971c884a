/** A FAT32 partition in an image description. */
import * as z from 'zod'
import { firmware } from './boot-schema.ts'
import { expected } from './messages.ts'
import { VOLUME_ID_PATTERN } from './numbers.ts'
import { ONE_SELECTION, pathSelection } from './path-rules.ts'
import { implicitTime, mounting, place, seed, sources } from './partition-schema.ts'
import { fat32Size, growingSize, integer, text } from './values.ts'

export const fat32PathRule = z
  .strictObject({
    ...pathSelection('everything below it'),
    flags: z
      .array(
        z.enum([
          ...(['readonly', 'hidden', 'system', 'archive'] as const),
          ...(['-readonly', '-hidden', '-system', '-archive'] as const),
        ]),
      )
      .optional()
      .describe(
        'Attributes to set, or with "-" to clear. Files have "archive", those that nobody may write "readonly", too.',
      ),
    case: z.enum(['upper', 'lower']).optional().describe('The names are stored in this case.'),
  })
  .describe('Attributes and names of certain files; later rules override earlier ones.')
  .meta(ONE_SELECTION)

/** Keys of a FAT32 file system, in a partition or alone. */
export const fat32FileSystem = {
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
  symlinks: z
    .enum(['error', 'follow'])
    .optional()
    .describe('What becomes of symlinks: an error, or a copy of the file or directory that each leads to.')
    .meta({ default: 'error' }),
  paths: z.array(fat32PathRule).optional().describe('Attributes and names of certain files.'),
}

export const fat32 = z.strictObject({
  type: z.literal('fat32').describe('A FAT32 file system.'),
  ...place,
  size: growingSize.describe('Size of the partition; "grow": all up to what follows.'),
  ...fat32FileSystem,
  ...mounting,
  firmware: firmware.optional(),
  sources,
})

export const fat32Options = z.strictObject({
  size: fat32Size.describe('Size of the file system.'),
  ...fat32FileSystem,
  seed,
  time: implicitTime.describe('Time of everything that has none of its own; by default 1970.'),
})
