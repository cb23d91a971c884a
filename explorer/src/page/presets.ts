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

/** A folder that was dropped, or all files beside the archive. */
function firmwareOf(paths: readonly string[], closure: string): { firmware?: string } {
  const rest = paths.filter((path) => path !== closure && !ARCHIVE.test(path))
  if (rest.length === 0) return {}
  const [folder] = rest[0].split('/')
  return { firmware: rest.every((path) => path.startsWith(`${folder}/`)) ? folder : FIRMWARE_FOLDER }
}
