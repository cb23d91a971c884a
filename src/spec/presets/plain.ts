import type { ImageSpec } from '../image-spec.ts'
import { sourcesOfPreset, type PresetSources } from './preset-sources.ts'

/** A GPT with one BTRFS partition, and no subvolumes. */
export function plain({ closure, dupData, seed = 'plain' }: PresetSources): ImageSpec {
  return {
    seed,
    table: { type: 'gpt' },
    ...(dupData === true && { BTRFSDupData: true }),
    partitions: [
      { type: 'btrfs', label: 'DATA', size: 'fit', compression: 'zstd:3', sources: sourcesOfPreset(closure) },
    ],
  }
}
