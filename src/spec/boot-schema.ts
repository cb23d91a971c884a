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

const loader = {
  timeout: integer('whole seconds', -1, 86_400)
    .optional()
    .describe('Seconds until the default entry of the menu is booted; 0: immediately, -1: never.')
    .meta({ default: 5 }),
  tries: integer('a number from 1 on', 1, 1000)
    .optional()
    .describe(
      'How often systemd-boot tries an entry before it counts as bad; by default tries are not counted.',
    ),
  systemdBoot: fileName
    .optional()
    .describe('The systemd-boot binary, like "systemd-bootaa64.efi"; by default the one in the sources.'),
  editor: z
    .boolean()
    .optional()
    .describe('Whether systemd-boot lets command lines be changed in its menu.')
    .meta({ default: true }),
  consoleMode: text('"keep", "auto", "max" or a number', /^(keep|auto|max|\d{1,4})$/)
    .optional()
    .describe('Console mode of systemd-boot.')
    .meta({ default: 'keep' }),
  cmdline: text('a command line of ASCII characters', /^[ -~]*$/)
    .optional()
    .describe("Added to the kernel's command line."),
  slot: text('letters and digits', /^[a-z0-9]{1,16}$/)
    .optional()
    .describe('A name that distinguishes the entries of several systems, like "a" and "b".'),
  bootPartition: integer('a place in "partitions", from 1', 1, 1024)
    .optional()
    .describe(
      'Place in "partitions", from 1, of the FAT32 partition for its boot files; by default by its loader.',
    ),
}

export const linux = z
  .strictObject({
    loader: z
      .enum(['extlinux', 'systemd-boot', 'raspberry-pi'])
      .optional()
      .describe(
        "What boots it: U-Boot by a menu, systemd-boot by entries on the EFI system partition, or a Raspberry Pi's firmware without U-Boot.",
      )
      .meta({ default: 'extlinux' }),
    ...loader,
    root: z
      .enum(['uuid', 'partuuid', 'none'])
      .optional()
      .describe('How the command line names the root; "none": "cmdline" does, or the type of its partition.')
      .meta({ default: 'uuid' }),
    kernels: integer('a number from 1 on', 1, 1000)
      .optional()
      .describe('How many kernels are in the menu, the newest first.')
      .meta({ default: 20 }),
    deviceTree: z
      .union(
        [z.boolean(), text('a path of a device tree', /^(?!\/)[^\0\s]+$/)],
        expected('true, false or a path of a device tree'),
      )
      .optional()
      .describe('Device trees: true copies all, and U-Boot chooses; a path takes that one; false: none.')
      .meta({ default: true }),
  })
  .describe('The sources are a root file system with kernels in /boot, which is made bootable.')

export const nixos = z
  .strictObject({
    loader: z
      .enum(['extlinux', 'systemd-boot'])
      .optional()
      .describe('What boots it: U-Boot by a menu, or systemd-boot by entries on the EFI system partition.')
      .meta({ default: 'extlinux' }),
    ...loader,
    toplevel: text(
      'the store path of a system, like "/nix/store/...-nixos-system-..."',
      /^\/nix\/store\/[0-9a-z]{32}-[^/\0]+$/,
    )
      .optional()
      .describe(
        'The system to boot; by default that of the system profile in the sources, or the only one there.',
      ),
    generations: integer('a number from 0 on', 0, 1000)
      .optional()
      .describe(
        'How many generations of the system profile are in the menu, with extlinux besides the default entry.',
      )
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
