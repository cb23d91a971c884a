/** Which files of the Raspberry Pi's firmware a board needs to come as far as U-Boot. */
import { toLatin1, type ByteString } from '../lib/byte-string.ts'
import type { PiVersion } from '../spec/plan.ts'
import { PI_VERSIONS, ubootFileName } from './config-txt.ts'

interface FirmwareNeeds {
  /** Without these the board does not start. */
  required: readonly string[]
  /** Others that it may want: variants that settings choose, device trees. */
  wanted: readonly RegExp[]
}

/** The 3 has its first boot loader on the card, the 4 in a memory of its own. */
const NEEDS: Record<PiVersion, FirmwareNeeds> = {
  3: {
    required: ['bootcode.bin', 'start.elf', 'fixup.dat'],
    wanted: [/^start_\w+\.elf$/, /^fixup_\w+\.dat$/, /^bcm2710-rpi-.*\.dtb$/, /^bcm2837-rpi-.*\.dtb$/],
  },
  4: {
    required: ['start4.elf', 'fixup4.dat', 'bcm2711-rpi-4-b.dtb'],
    wanted: [/^start4\w+\.elf$/, /^fixup4\w+\.dat$/, /^bcm2711-rpi-.*\.dtb$/, /^armstub8-gic\.bin$/],
  },
}

/** What the firmware folder holds that boards of these versions take; `overlays` and all in it for each of them. */
export function isFirmwareFile(name: ByteString, versions: readonly PiVersion[]): boolean {
  const path = toLatin1(name)
  if (path === 'overlays' || path.startsWith('overlays/')) return true
  if (/^LICEN[CS]E/i.test(path)) return true
  return versions.some((version) => {
    const { required, wanted } = NEEDS[version]
    return required.includes(path) || wanted.some((pattern) => pattern.test(path))
  })
}

/** A file that a firmware partition lacks, and what happens without it. */
export interface MissingFile {
  name: string
  version: PiVersion
  consequence: string
}

/** @param has whether the firmware partition holds a file of this name, whatever its case */
export function missingFirmware(
  versions: readonly PiVersion[],
  has: (name: string) => boolean,
): MissingFile[] {
  return PI_VERSIONS.filter((version) => versions.includes(version)).flatMap((version) =>
    NEEDS[version].required
      .filter((name) => !has(name))
      .map((name) => ({ name, version, consequence: consequenceOf(name, version) })),
  )
}

function consequenceOf(name: string, version: PiVersion): string {
  return name.endsWith('.dtb')
    ? `the firmware of a Raspberry Pi ${version} gives ${ubootFileName(version)} no device tree, and it does not start`
    : `a Raspberry Pi ${version} stops before it reads config.txt, with a dark screen`
}
