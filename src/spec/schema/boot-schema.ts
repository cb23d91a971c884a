/** The keys that make an image boot: firmware, U-Boot, and a NixOS system. */
import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { UBOOT_VERSION_PATTERN } from '../notation/uboot-version.ts'
import { fileName, integer, text } from './values.ts'

const piVersion = z.literal([3, 4, 5], expected('3, 4 or 5'))
const oneLine = (what: string) => text(what, /^[^\n\r\0]*$/)

export const firmware = z
  .strictObject({
    directory: z
      .optional(fileName)
      .check(z.describe('Folder with the firmware; the files that the boards need are copied.')),
    piVersion: z
      .optional(
        z.union(
          [piVersion, z.array(piVersion).check(z.minLength(1, expected('3, 4, 5 or [3, 4]')))],
          expected('3, 4, 5 or [3, 4]'),
        ),
      )
      .check(
        z.describe(
          'Versions of the Raspberry Pi to boot: 3, 4, 5 or several; by default those for which a U-Boot is ' +
            'given, otherwise 3 and 4.',
        ),
      ),
    ubootPi3: z.optional(fileName).check(z.describe('U-Boot for a Raspberry Pi 3: becomes u-boot-rpi3.bin.')),
    ubootPi4: z.optional(fileName).check(z.describe('U-Boot for a Raspberry Pi 4: becomes u-boot-rpi4.bin.')),
    ubootPi5: z.optional(fileName).check(z.describe('U-Boot for a Raspberry Pi 5: becomes u-boot-rpi5.bin.')),
    config: z
      .optional(
        z.record(
          text('a filter of config.txt like "all" or "pi4"', /^[a-z0-9+=:_]+$/i),
          z.record(
            text('a setting of config.txt like "gpu_mem"', /^[a-z0-9_:]+$/i),
            z.union(
              [z.number(), z.null(), oneLine('a value of one line')],
              expected('a number, a text of one line, or null to leave it out'),
            ),
          ),
        ),
      )
      .check(
        z.describe('Settings for config.txt by filter, which override the built-in ones; null removes one.'),
      ),
    extraConfig: z
      .optional(z.array(oneLine('a line of config.txt')))
      .check(z.describe('Lines appended to config.txt unchanged, for all boards.')),
  })
  .check(
    z.describe('Files that a Raspberry Pi starts from: its firmware, U-Boot, and a generated config.txt.'),
  )

const loader = {
  timeout: z
    .optional(integer('whole seconds', -1, 86_400))
    .check(
      z.describe('Seconds until the default entry of the menu is booted; 0: immediately, -1: never.'),
      z.meta({ default: 5 }),
    ),
  tries: z
    .optional(integer('a number from 1 on', 1, 1000))
    .check(
      z.describe(
        'How often systemd-boot tries an entry before it counts as bad; by default tries are not counted.',
      ),
    ),
  systemdBoot: z
    .optional(fileName)
    .check(
      z.describe('The systemd-boot binary, like "systemd-bootaa64.efi"; by default the one in the sources.'),
    ),
  editor: z
    .optional(z.boolean())
    .check(
      z.describe('Whether systemd-boot lets command lines be changed in its menu.'),
      z.meta({ default: true }),
    ),
  consoleMode: z
    .optional(text('"keep", "auto", "max" or a number', /^(keep|auto|max|\d{1,4})$/))
    .check(z.describe('Console mode of systemd-boot.'), z.meta({ default: 'keep' })),
  cmdline: z
    .optional(text('a command line of ASCII characters', /^[ -~]*$/))
    .check(
      z.describe(
        'Added to the command line of the kernel; with "linux", used instead of /etc/kernel/cmdline of the system.',
      ),
    ),
  slot: z
    .optional(text('letters and digits', /^[a-z0-9]{1,16}$/))
    .check(z.describe('A name that distinguishes the entries of several systems, like "a" and "b".')),
  bootPartition: z
    .optional(integer('a place in "partitions", from 1', 1, 1024))
    .check(
      z.describe(
        'Position in "partitions", counted from 1, of the FAT32 partition for the boot files; the default ' +
          'depends on the loader.',
      ),
    ),
}

export const linux = z
  .strictObject({
    loader: z
      .optional(z.enum(['extlinux', 'systemd-boot', 'raspberry-pi']))
      .check(
        z.describe(
          'What boots the system: U-Boot with a menu, systemd-boot with entries on the EFI system partition, ' +
            "or a Raspberry Pi's firmware without U-Boot.",
        ),
        z.meta({ default: 'extlinux' }),
      ),
    ...loader,
    root: z
      .optional(z.enum(['uuid', 'partuuid', 'none']))
      .check(
        z.describe(
          'How the command line names the root. "none": not at all, because "cmdline" does, or the type of ' +
            'the partition.',
        ),
        z.meta({ default: 'uuid' }),
      ),
    kernels: z
      .optional(integer('a number from 1 on', 1, 1000))
      .check(z.describe('Number of kernels in the menu, the newest first.'), z.meta({ default: 20 })),
    deviceTree: z
      .optional(
        z.union(
          [z.boolean(), text('a path of a device tree', /^(?!\/)[^\0\s]+$/)],
          expected('true, false or a path of a device tree'),
        ),
      )
      .check(
        z.describe('Device trees: true copies all, and U-Boot chooses; a path takes that one; false: none.'),
        z.meta({ default: true }),
      ),
  })
  .check(z.describe('The sources are a root file system with kernels in /boot, which is made bootable.'))

export const nixos = z
  .strictObject({
    loader: z
      .optional(z.enum(['extlinux', 'systemd-boot']))
      .check(
        z.describe(
          'What boots the system: U-Boot with a menu, or systemd-boot with entries on the EFI system partition.',
        ),
        z.meta({ default: 'extlinux' }),
      ),
    ...loader,
    toplevel: z
      .optional(
        text(
          'the store path of a system, like "/nix/store/...-nixos-system-..."',
          /^\/nix\/store\/[0-9a-z]{32}-[^/\0]+$/,
        ),
      )
      .check(
        z.describe(
          'The system to boot; by default that of the system profile in the sources, or the only one there.',
        ),
      ),
    generations: z
      .optional(integer('a number from 0 on', 0, 1000))
      .check(
        z.describe(
          'Number of generations of the system profile in the menu; with extlinux, in addition to the default entry.',
        ),
        z.meta({ default: 20 }),
      ),
    deviceTree: z
      .optional(
        z.union(
          [z.boolean(), text('a path below dtbs', /^(?!\/)[^\0\s]+$/)],
          expected('true, false or a path below dtbs'),
        ),
      )
      .check(
        z.describe(
          'Device trees: true copies all, and U-Boot chooses; a path like "broadcom/bcm2837-rpi-3-b.dtb" ' +
            'copies that one; false leaves the choice to the firmware.',
        ),
        z.meta({ default: true }),
      ),
    registration: z
      .optional(fileName)
      .check(
        z.describe(
          'File with the registration of the closure (nix-store --dump-db); by default the one in the sources.',
        ),
      ),
    configuration: z.optional(fileName).check(z.describe('Folder that becomes /etc/nixos.')),
  })
  .check(z.describe('The sources are the closure of a NixOS system, which is installed and made bootable.'))

export const uboot = z
  .strictObject({
    version: z
      .optional(text('a version of U-Boot like "2025.01"', UBOOT_VERSION_PATTERN))
      .check(
        z.describe(
          'Version of the U-Boot that reads the image. What it cannot read is then an error instead of a warning.',
        ),
      ),
    check: z
      .optional(z.boolean())
      .check(z.describe('Refuse to build an image that cannot boot.'), z.meta({ default: true })),
  })
  .check(z.describe('The U-Boot that boots the image.'))
