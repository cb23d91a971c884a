/** The keys that make an image boot: firmware, U-Boot, and a NixOS system. */
import * as z from 'zod'
import { expected } from './messages.ts'
import { UBOOT_VERSION_PATTERN } from './uboot-version.ts'
import { fileName, integer, text } from './values.ts'

const piVersion = z.literal([3, 4, 5], expected('3, 4 or 5'))
const oneLine = (what: string) => text(what, /^[^\n\r\0]*$/)

export const firmware = z
  .strictObject({
    directory: fileName
      .optional()
      .describe('Folder with the firmware; the files that the boards need are copied.'),
    piVersion: z
      .union(
        [piVersion, z.array(piVersion).min(1, expected('3, 4, 5 or [3, 4]'))],
        expected('3, 4, 5 or [3, 4]'),
      )
      .optional()
      .describe(
        'The Raspberry Pi versions to boot: 3, 4, 5 or several; by default those that have a U-Boot here, else 3 and 4.',
      ),
    ubootPi3: fileName.optional().describe('U-Boot for a Raspberry Pi 3: becomes u-boot-rpi3.bin.'),
    ubootPi4: fileName.optional().describe('U-Boot for a Raspberry Pi 4: becomes u-boot-rpi4.bin.'),
    ubootPi5: fileName.optional().describe('U-Boot for a Raspberry Pi 5: becomes u-boot-rpi5.bin.'),
    config: z
      .record(
        text('a filter of config.txt like "all" or "pi4"', /^[a-z0-9+=:_]+$/i),
        z.record(
          text('a setting of config.txt like "gpu_mem"', /^[a-z0-9_:]+$/i),
          z.union(
            [z.number(), z.null(), oneLine('a value of one line')],
            expected('a number, a text of one line, or null to leave it out'),
          ),
        ),
      )
      .optional()
      .describe('Settings for config.txt by filter, which override the built-in ones; null removes one.'),
    extraConfig: z
      .array(oneLine('a line of config.txt'))
      .optional()
      .describe('Lines appended to config.txt unchanged, for all boards.'),
  })
  .describe('Files that a Raspberry Pi starts from: its firmware, U-Boot, and a generated config.txt.')

export const nixos = z
  .strictObject({
    toplevel: text(
      'the store path of a system, like "/nix/store/...-nixos-system-..."',
      /^\/nix\/store\/[0-9a-z]{32}-[^/\0]+$/,
    )
      .optional()
      .describe(
        'The system to boot; by default that of the system profile in the sources, or the only one there.',
      ),
    timeout: integer('whole seconds', -1, 86_400)
      .optional()
      .describe('Seconds until U-Boot boots the default entry of its menu; 0: immediately, -1: never.')
      .meta({ default: 5 }),
    generations: integer('a number from 0 on', 0, 1000)
      .optional()
      .describe('How many generations of the system profile are in the menu besides the default entry.')
      .meta({ default: 20 }),
    deviceTree: z
      .union(
        [z.boolean(), text('a path below dtbs', /^(?!\/)[^\0\s]+$/)],
        expected('true, false or a path below dtbs'),
      )
      .optional()
      .describe(
        'Device trees: true copies all, and U-Boot chooses; a path like "broadcom/bcm2837-rpi-3-b.dtb" copies that one; false leaves the choice to the firmware.',
      )
      .meta({ default: true }),
    registration: fileName
      .optional()
      .describe(
        'File with the registration of the closure (nix-store --dump-db); by default the one in the sources.',
      ),
    configuration: fileName.optional().describe('Folder that becomes /etc/nixos.'),
  })
  .describe('The sources are the closure of a NixOS system, which is installed and made bootable.')

export const uboot = z
  .strictObject({
    version: text('a version of U-Boot like "2025.01"', UBOOT_VERSION_PATTERN)
      .optional()
      .describe(
        'Version that reads the image; anything it cannot read is then an error instead of a warning.',
      ),
    check: z
      .boolean()
      .optional()
      .describe('Refuse to build an image that cannot boot.')
      .meta({ default: true }),
  })
  .describe('The U-Boot that boots the image.')
