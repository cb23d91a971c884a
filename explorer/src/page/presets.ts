/** The presets of the command, filled in with the files that are there. */
import type { ImageSpec } from '../../../src/browser/index.ts'
import { PRESET_KEYS, PRESETS, type PresetName } from '../../../src/spec/presets.ts'

export type { PresetName } from '../../../src/spec/presets.ts'

export const PRESET_TEXTS: Partial<Record<PresetName, string>> = {
  plain: 'plain: a root file system',
  'raspberry-pi': 'raspberry-pi: firmware and NixOS',
  uefi: 'uefi: a PC or server',
  rockchip: 'rockchip: a board with U-Boot',
  allwinner: 'allwinner: a board with U-Boot',
  'a-b': 'a-b: two roots, of which one is tried',
}

const ARCHIVE = /\.(?:tar|tgz|tar\.\w+)$/i
const FIRMWARE_FOLDER = 'firmware'

/** The path of a file that was dropped: beside the archive, single files are firmware. */
export function placeOf(path: string): string {
  return path.includes('/') || ARCHIVE.test(path) ? path : `${FIRMWARE_FOLDER}/${path}`
}

/** @param paths of the files */
export function describe(name: PresetName, paths: readonly string[]): ImageSpec {
  const closure = paths.find((path) => ARCHIVE.test(path)) ?? 'root.tar'
  const loader = paths.find((path) => /\.bin$/i.test(path)) ?? 'u-boot.bin'
  const keys = PRESET_KEYS[name]
  return PRESETS[name]({
    closure,
    ...(keys.includes('firmware') && firmwareOf(paths, closure)),
    ...(keys.includes('loader') && { loader }),
  })
}

/** The first folder that was dropped; single files have theirs. */
function firmwareOf(paths: readonly string[], closure: string): { firmware?: string } {
  const inFolder = paths.find((path) => path !== closure && path.includes('/'))
  return inFolder === undefined ? {} : { firmware: inFolder.split('/')[0] }
}
