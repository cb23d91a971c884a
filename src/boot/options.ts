/** The options of a boot, checked before anything is opened. */
import type { InputProgress } from '../input/open-bytes.ts'
import {
  ABORT_SIGNAL,
  BOOLEAN,
  checkOptions,
  FUNCTION,
  oneOf,
  PATH,
  wholeNumber,
  type OptionTable,
} from '../lib/options.ts'
import { fixedMemoryOf, MACHINE_NAMES, uefiOf, type MachineName } from './qemu/machines.ts'

export interface BootOptions {
  /**
   * `raspi3b` is a Raspberry Pi 3 B; `virt` is QEMU's own machine, and faster, with U-Boot; `virt-uefi` is the same
   * machine with UEFI firmware; `q35` is a PC (x86-64) with UEFI firmware and an NVMe disk. Default: the one that starts
   * what is on the image.
   */
  machine?: MachineName | undefined
  /**
   * Path of U-Boot's binary for the machine. raspi3b: by default the one that config.txt on the image's FAT partition
   * names. `virt` needs one.
   */
  uboot?: string | undefined
  /** Path of the device tree blob that U-Boot is handed. raspi3b: by default the one on the image's FAT partition. */
  dtb?: string | undefined
  /**
   * Path of UEFI firmware for `virt-uefi` (`QEMU_EFI.fd`) or `q35` (`OVMF.fd`); by default what QEMU's packages have. It
   * starts without variables, or with those that the file has.
   */
  firmware?: string | undefined
  /** Text on the console at which the run ends. */
  expect?: string | undefined
  /** Seconds after which the run ends; by default none. */
  timeout?: number | undefined
  /** TCP port of this computer (127.0.0.1) that leads to port 22 of the machine. Without one it has no network. */
  sshPort?: number | undefined
  /** MiB; 1024 by default. A raspi3b has 1024. */
  memory?: number | undefined
  /** Bytes of the disk: at least the image's. raspi3b: the next power of two. */
  diskSize?: number | undefined
  /** Path of a new file, for the whole disk as the machine has left it: an image, not compressed. */
  keep?: string | undefined
  /** Standard input, a terminal, belongs to the machine's console; Ctrl-A X ends it. */
  interactive?: boolean | undefined
  /** Called with each piece of the console's output. */
  onConsole?: ((piece: Uint8Array) => void) | undefined
  /** Called with the machine that was chosen for the image, if none was given, and with what it starts there. */
  onMachine?: ((machine: MachineName, reason: string) => void) | undefined
  /** Called with a sentence on what takes more time or space than expected. */
  onNotice?: ((text: string) => void) | undefined
  /** Called often while an image is decompressed. */
  onProgress?: ((progress: InputProgress) => void) | undefined
  /** Ends the machine: nothing is left behind, and the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined
}

const MAX_PORT = 65535
/** A day; setTimeout takes at most 24 days. */
const MAX_TIMEOUT = 86_400
/** MiB. Below the minimum, U-Boot's load addresses of kernel and initrd lie outside of memory; above, QEMU has no such machine. */
const [MIN_MEMORY, MAX_MEMORY] = [128, 255 * 1024]

const OPTIONS: OptionTable<BootOptions> = {
  machine: oneOf(MACHINE_NAMES),
  uboot: PATH,
  dtb: PATH,
  firmware: PATH,
  expect: {
    expected: 'a text that is not empty',
    accepts: (value) => typeof value === 'string' && value !== '',
    acceptsType: (value) => value === '',
  },
  timeout: wholeNumber(1, MAX_TIMEOUT),
  sshPort: wholeNumber(1, MAX_PORT),
  memory: wholeNumber(MIN_MEMORY, MAX_MEMORY),
  diskSize: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  keep: PATH,
  interactive: BOOLEAN,
  onConsole: FUNCTION,
  onMachine: FUNCTION,
  onNotice: FUNCTION,
  onProgress: FUNCTION,
  signal: ABORT_SIGNAL,
}

/** @throws TypeError or RangeError that names the option */
export function checkBootOptions(options: BootOptions): void {
  checkOptions('bootImage', options, OPTIONS)
  const { machine, memory, uboot } = options
  if (machine === undefined) return
  const unread = unreadOptions(machine).find((name) => options[name] !== undefined)
  if (unread !== undefined) {
    throw new RangeError(`bootImage: option ${unread}: is not for ${machine}`)
  }
  const fixed = fixedMemoryOf(machine)
  if (memory !== undefined && fixed !== undefined && memory !== fixed) {
    throw new RangeError(`bootImage: option memory: expected ${fixed} for ${machine}, found ${memory}`)
  }
  if (machine === 'virt' && uboot === undefined) {
    throw new RangeError(
      'bootImage: option uboot: expected a path, as virt has no U-Boot of its own, found undefined',
    )
  }
}

/** The kinds of firmware that a machine does not start. */
export function unreadOptions(machine: MachineName): ('uboot' | 'dtb' | 'firmware')[] {
  return uefiOf(machine) === undefined ? ['firmware'] : ['uboot', 'dtb']
}
