/**
 * The Raspberry Pis that start a 64-bit system: what their firmware goes by. (Raspberry Pi documentation, "config.txt" and
 * "Conditional filters"; boot/ of the firmware; arch/arm64/boot/dts/broadcom of Linux)
 */
import type { PiVersion } from '../spec/plan/plan.ts'

export interface PiBoard {
  name: string
  version: PiVersion
  /** Filters of config.txt that are for it, besides `all`. */
  filters: readonly string[]
  /** Its device tree: the name that its firmware looks for, then Linux's, where that is another one. */
  deviceTrees: readonly string[]
}

/** The first one of each version is the one that the version is named after. */
export const PI_BOARDS: readonly PiBoard[] = [
  board('3 B', 3, ['pi3'], ['bcm2710-rpi-3-b', 'bcm2837-rpi-3-b']),
  board('3 B+', 3, ['pi3', 'pi3+'], ['bcm2710-rpi-3-b-plus', 'bcm2837-rpi-3-b-plus']),
  // Its firmware takes the device tree of the B+.
  board('3 A+', 3, ['pi3', 'pi3+'], ['bcm2710-rpi-3-b-plus', 'bcm2837-rpi-3-a-plus']),
  board('Compute Module 3', 3, ['pi3', 'cm3'], ['bcm2710-rpi-cm3', 'bcm2837-rpi-cm3-io3']),
  board('Compute Module 3+', 3, ['pi3', 'cm3', 'cm3+'], ['bcm2710-rpi-cm3', 'bcm2837-rpi-cm3-io3']),
  board('Zero 2 W', 3, ['pi0', 'pi0w', 'pi02'], ['bcm2710-rpi-zero-2-w', 'bcm2837-rpi-zero-2-w']),
  board('Compute Module 0', 3, ['pi0', 'cm0'], ['bcm2710-rpi-cm0']),
  board('4 B', 4, ['pi4'], ['bcm2711-rpi-4-b']),
  board('400', 4, ['pi4', 'pi400'], ['bcm2711-rpi-400']),
  board('Compute Module 4', 4, ['pi4', 'cm4'], ['bcm2711-rpi-cm4', 'bcm2711-rpi-cm4-io']),
  board('Compute Module 4S', 4, ['pi4', 'cm4s'], ['bcm2711-rpi-cm4s']),
  board('5', 5, ['pi5'], ['bcm2712-rpi-5-b']),
  board('500', 5, ['pi5', 'pi500'], ['bcm2712-rpi-500']),
  board('Compute Module 5', 5, ['pi5', 'cm5'], ['bcm2712-rpi-cm5-cm5io']),
]

function board(
  model: string,
  version: PiVersion,
  filters: readonly string[],
  deviceTrees: readonly string[],
): PiBoard {
  const name = model.startsWith('Compute') ? model : `Raspberry Pi ${model}`
  return { name, version, filters, deviceTrees: deviceTrees.map((tree) => `${tree}.dtb`) }
}

/** The board that a version is named after. */
export function mainBoardOf(version: PiVersion): PiBoard {
  return PI_BOARDS.find((board) => board.version === version)!
}

/** Boards without a 64-bit processor see these, too. */
const SHARED_FILTERS = new Set(['pi0', 'pi0w'])

/** Filters that boards of a version see, and no others. */
export function filtersOf(version: PiVersion): ReadonlySet<string> {
  const filters = PI_BOARDS.filter((board) => board.version === version).flatMap(({ filters }) => filters)
  return new Set(filters.filter((filter) => !SHARED_FILTERS.has(filter)))
}

/** The kernels that the firmware loads when config.txt names none: the first one that is there. (64-bit only) */
export const DEFAULT_KERNELS: Record<PiVersion, readonly string[]> = {
  3: ['kernel8.img'],
  4: ['kernel8.img'],
  // With pages of 16 KiB; without it the firmware takes the other one.
  5: ['kernel_2712.img', 'kernel8.img'],
}
