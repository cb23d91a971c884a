import type { ImageSpec, TableSpec } from '../image-spec.ts'
import {
  needsFstab,
  subvolumesOfPreset,
  systemOfPreset,
  type PresetSources,
  sourcesOfPreset,
} from './preset-sources.ts'

interface Board {
  table: TableSpec
  /** Where the boot ROM looks for the boot loader, and where partitions begin. */
  loaderStart: string
  rootStart: string
}

/** Its ROM reads an ID block at sector 64; U-Boot lies at 8 MiB, behind it in u-boot-rockchip.bin. */
export const rockchip = boardPreset('rockchip', {
  ...{ table: { type: 'gpt' }, loaderStart: '32KiB', rootStart: '16MiB' },
})

/** Its ROM reads boot0 at 8 KiB, where a GPT has its entries. */
export const allwinner = boardPreset('allwinner', {
  ...{ table: { type: 'mbr' }, loaderStart: '8KiB', rootStart: '4MiB' },
})

/** A boot loader in front of a BTRFS file system, from which U-Boot boots by an extlinux.conf. */
function boardPreset(name: string, { table, loaderStart, rootStart }: Board) {
  return (sources: PresetSources): ImageSpec => {
    const { closure, loader, dupData, seed = name } = sources
    return {
      seed,
      table,
      ...(dupData === true && { BTRFSDupData: true }),
      uboot: {},
      ...(needsFstab(sources) && { fstab: true }),
      partitions: [
        ...(loader === undefined
          ? []
          : [{ type: 'raw' as const, source: loader, start: loaderStart, size: 'fit', inTable: false }]),
        {
          type: 'btrfs',
          label: 'ROOT',
          start: rootStart,
          size: 'fit',
          bootable: true,
          compression: 'zstd:3',
          ...(needsFstab(sources) && { mount: '/' }),
          subvolumes: subvolumesOfPreset(sources, {
            name: '@boot',
            path: '/boot',
            nodatacow: true,
            bootFiles: true,
          }),
          links: { boot: '@boot' },
          ...systemOfPreset(sources),
          sources: sourcesOfPreset(closure),
        },
      ],
    }
  }
}
