/** What can be asked of a boot, looked at before anything is opened. */
import type { InputProgress } from '../input/open-bytes.ts'
import { fixedMemoryOf, MACHINE_NAMES, type MachineName } from './qemu/machines.ts'
import { found } from '../spec/messages.ts'

export interface BootOptions {
  /** `raspi3b` (the default) is a Raspberry Pi 3 B; `virt` is QEMU's own machine, and faster. */
  machine?: MachineName | undefined
  /**
   * Path of U-Boot's binary for the machine. raspi3b: by default the one that config.txt on the image's FAT partition
   * names. `virt` cannot do without.
   */
  uboot?: string | undefined
  /** Path of the device tree blob that U-Boot is handed. raspi3b: by default the one on the image's FAT partition. */
  dtb?: string | undefined
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
  /** Called with what comes on the console. */
  onConsole?: ((piece: Uint8Array) => void) | undefined
  /** Is told, in a sentence, what takes more time or space than one would think. */
  onNotice?: ((text: string) => void) | undefined
  /** Called often while an image is decompressed. */
  onProgress?: ((progress: InputProgress) => void) | undefined
  /** Ends the machine: nothing is left behind, and the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined
}

const MAX_PORT = 65535
/** A day's length; timers know no more than 24 of them. */
const MAX_TIMEOUT = 86_400
/** With less U-Boot's addresses for kernel and initrd lie outside; with more than this QEMU's machine has none. */
const MEMORY = { least: 128, most: 255 * 1024 }

/**
 * Checks the options of a boot. What is wrong here is the program that calls, not what its user has asked for.
 *
 * @throws TypeError or RangeError that names the option
 */
export function checkBootOptions(options: BootOptions): void {
  const given = options as unknown
  if (typeof given !== 'object' || given === null) throw wrong('options', 'an object', given)
  // Callers in JavaScript may have put anything here.
  const values = options as Record<string, unknown>
  const { machine = 'raspi3b', memory } = options
  if (!MACHINE_NAMES.includes(machine)) throw wrong('machine', '"raspi3b" or "virt"', machine)
  for (const name of ['uboot', 'dtb', 'expect', 'keep']) checkType(name, values[name], 'string', 'a text')
  for (const name of ['onConsole', 'onNotice', 'onProgress']) {
    checkType(name, values[name], 'function', 'a function')
  }
  checkType('interactive', options.interactive, 'boolean', 'true or false')
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw wrong('signal', 'an AbortSignal', options.signal)
  }
  if (options.expect === '') throw new RangeError(message('expect', 'a text that is not empty', ''))
  checkWhole('timeout', options.timeout, 1, MAX_TIMEOUT)
  checkWhole('sshPort', options.sshPort, 1, MAX_PORT)
  checkWhole('memory', memory, MEMORY.least, MEMORY.most)
  checkWhole('diskSize', options.diskSize, 1, Number.MAX_SAFE_INTEGER)
  const fixed = fixedMemoryOf(machine)
  if (memory !== undefined && fixed !== undefined && memory !== fixed) {
    throw new RangeError(message('memory', `${fixed} for ${machine}`, memory))
  }
  if (machine === 'virt' && options.uboot === undefined) {
    throw new RangeError(message('uboot', 'a path, as virt has no U-Boot of its own', undefined))
  }
}

function checkType(name: string, value: unknown, type: string, expected: string): void {
  if (value !== undefined && typeof value !== type) throw wrong(name, expected, value)
}

function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined) return
  const what = `a whole number from ${least} to ${most}`
  if (typeof value !== 'number') throw wrong(name, what, value)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(message(name, what, value))
}

function wrong(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(message(name, expected, value))
}

function message(name: string, expected: string, value: unknown): string {
  return `bootImage: option ${name}: expected ${expected}, found ${found(value)}`
}
