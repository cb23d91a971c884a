/** The files of the Raspberry Pi's firmware that a board needs to start U-Boot. */
import { toLatin1, type ByteString } from '../lib/byte-string.ts'
import type { PiVersion } from '../spec/plan/plan.ts'
import { PI_VERSIONS, ubootFileName } from './config-txt.ts'

interface FirmwareNeeds {
  /** Without these the board does not start. */
  required: readonly string[]
  /** Files that settings may choose: variants, device trees. */
  optional: readonly RegExp[]
}

/** The first boot loader of the 3 is on the card; the 4 has it in an EEPROM, and the 5 all of its firmware. */
const NEEDS: Record<PiVersion, FirmwareNeeds> = {
  3: {
    required: ['bootcode.bin', 'start.elf', 'fixup.dat'],
    optional: [/^start_\w+\.elf$/, /^fixup_\w+\.dat$/, /^bcm2710-rpi-.*\.dtb$/, /^bcm2837-rpi-.*\.dtb$/],
  },
  4: {
    required: ['start4.elf', 'fixup4.dat', 'bcm2711-rpi-4-b.dtb'],
    optional: [/^start4\w+\.elf$/, /^fixup4\w+\.dat$/, /^bcm2711-rpi-.*\.dtb$/, /^armstub8-gic\.bin$/],
  },
  5: { required: ['bcm2712-rpi-5-b.dtb'], optional: [/^bcm2712(d0)?-rpi-.*\.dtb$/] },
}

/** True for the files of the firmware folder that boards of these versions need, `overlays` included. */
export function isFirmwareFile(name: ByteString, versions: readonly PiVersion[]): boolean {
  const path = toLatin1(name)
  if (path === 'overlays' || path.startsWith('overlays/')) return true
  if (/^LICEN[CS]E/i.test(path)) return true
  return versions.some((version) => {
    const { required, optional } = NEEDS[version]
    return required.includes(path) || optional.some((pattern) => pattern.test(path))
  })
}

/** A file that a firmware partition lacks, and what happens without it. */
export interface MissingFile {
  name: string
  version: PiVersion
  consequence: string
}

export interface FirmwareSettings {
  /** os_check=0: a Raspberry Pi 5 takes a partition without a device tree of its own. */
  isChecked: (version: PiVersion) => boolean
  /** The device tree that device_tree= names instead of the board's. */
  deviceTree: (version: PiVersion) => string | undefined
  /** What the firmware starts, for messages: `u-boot-rpi4.bin`. */
  kernel: (version: PiVersion) => string
}

/** Those of a config.txt that is made here. */
const DEFAULT_SETTINGS: FirmwareSettings = {
  isChecked: () => true,
  deviceTree: () => undefined,
  kernel: ubootFileName,
}

/** @param has whether the firmware partition holds a file of this name, whatever its case */
export function missingFirmware(
  versions: readonly PiVersion[],
  has: (name: string) => boolean,
  settings: FirmwareSettings = DEFAULT_SETTINGS,
): MissingFile[] {
  return PI_VERSIONS.filter((version) => versions.includes(version)).flatMap((version) =>
    NEEDS[version].required
      .map((name) => (name.endsWith('.dtb') ? (settings.deviceTree(version) ?? name) : name))
      .filter((name) => !has(name))
      .map((name) => ({ name, version, consequence: consequenceOf(name, version, settings) })),
  )
}

function consequenceOf(name: string, version: PiVersion, { isChecked, kernel }: FirmwareSettings): string {
  if (!name.endsWith('.dtb'))
    return `a Raspberry Pi ${version} stops before it reads config.txt, with a dark screen`
  return version === 5 && isChecked(version)
    ? 'a Raspberry Pi 5 takes the partition for that of an older system, and does not boot from it (os_check)'
    : `the firmware of a Raspberry Pi ${version} gives ${kernel(version)} no device tree, and it does not start`
}
