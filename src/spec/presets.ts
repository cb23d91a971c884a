/** Descriptions that are built in. They are plain data: printed, edited and built like any other. */
import type { ImageSpec } from './image-spec.ts'
import { ab } from './presets/a-b.ts'
import { allwinner, rockchip } from './presets/boards.ts'
import { plain } from './presets/plain.ts'
import type { PresetSources } from './presets/preset-sources.ts'
import { raspberryPi } from './presets/raspberry-pi.ts'
import { uefi } from './presets/uefi.ts'

export type { PresetSources } from './presets/preset-sources.ts'

export const PRESETS = {
  'raspberry-pi': raspberryPi,
  uefi,
  rockchip,
  allwinner,
  plain,
  'a-b': ab,
} satisfies Record<string, (sources: PresetSources) => ImageSpec>

export type PresetName = keyof typeof PRESETS

/** What each preset takes besides the closure, two copies of the data and the seed. */
export const PRESET_KEYS: Record<PresetName, readonly (keyof PresetSources)[]> = {
  'raspberry-pi': ['firmware', 'toplevel', 'ubootPi3', 'ubootPi4', 'ubootPi5', 'bootFromFat'],
  uefi: ['arch', 'toplevel', 'linux', 'uki', 'systemdBoot', 'tries', 'cmdline'],
  rockchip: ['loader', 'toplevel', 'linux', 'cmdline'],
  allwinner: ['loader', 'toplevel', 'linux', 'cmdline'],
  plain: [],
  'a-b': ['arch', 'firmware', 'toplevel', 'linux', 'closureB', 'slotSize', 'systemdBoot', 'tries', 'cmdline'],
}
