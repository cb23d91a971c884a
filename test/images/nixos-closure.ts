/** A closure of a NixOS system that is small, a firmware folder, and two boot loaders. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { closureTree, storePath, type ClosureTree } from '../../fixtures/closure-tree.mjs'
import { addToplevel, type SystemParts } from '../../fixtures/nixos-shape.mjs'
import { noise } from './build.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'

/** Text that compresses, of which no part is like another: a reader that mistakes the place is found out. */
export function words(length: number, seed = 0): Buffer {
  const lines = Array.from({ length: length / 16 + 1 }, (_, i) => `line ${seed + i * i} of a text\n`)
  return Buffer.from(lines.join('').slice(0, length))
}

/** A kernel for arm64, as far as its header goes. */
export function kernelOf(length: number, imageSize = length): Buffer {
  const kernel = Buffer.concat([Buffer.alloc(64), words(length >> 1), noise(length)]).subarray(0, length)
  kernel.writeBigUInt64LE(BigInt(imageSize), 16)
  kernel.write('ARM\x64', 56, 'latin1')
  return kernel
}

export const DEVICE_TREES = new Map([
  ['broadcom/bcm2837-rpi-3-b.dtb', words(33_001, 1)],
  ['broadcom/bcm2711-rpi-4-b.dtb', words(54_321, 2)],
  ['allwinner/small.dtb', Buffer.from('tiny')],
])
export const VERSION = '24.11.20260101.abcdef0'

export interface Closure {
  toplevel: string
  kernel: Buffer
  initrd: Buffer
  system: string
}

/** Writes `closure.tar`, `firmware/`, `u-boot-3.bin` and `u-boot-4.bin`. */
export function makeClosure(
  folder: string,
  parts: Partial<SystemParts> = {},
  more: (tree: ClosureTree, system: string) => void = () => {},
): Closure {
  const tree = closureTree()
  const kernel = kernelOf(1_500_000 + 77)
  const initrd = Buffer.from(noise(400_003, 5))
  const system = addToplevel(tree, {
    version: VERSION,
    kernelImage: kernel,
    initrd,
    deviceTrees: DEVICE_TREES,
    specialisations: { quiet: 'quiet root=LABEL=NIXOS_SD rootflags=subvol=@' },
    ...parts,
  })
  tree.storeFile(`${storePath('hello', '1')}/bin/hello`, true, words(10_000))
  more(tree, system)
  tree.write(join(folder, 'closure.tar'))
  writeFirmware(folder)
  return { toplevel: `/${system}`, system, kernel, initrd }
}

const FIRMWARE = [
  'bootcode.bin',
  'start.elf',
  'fixup.dat',
  'start_cd.elf',
  'fixup_cd.dat',
  'start4.elf',
  'fixup4.dat',
]
const MORE_FIRMWARE = ['bcm2711-rpi-4-b.dtb', 'bcm2710-rpi-3-b.dtb', 'armstub8-gic.bin', 'overlays/x.dtbo']
export const UNWANTED_FIRMWARE = ['kernel8.img', 'start_db.txt']

export function writeFirmware(folder: string): void {
  mkdirSync(join(folder, 'firmware/overlays'), { recursive: true })
  for (const name of [...FIRMWARE, ...MORE_FIRMWARE, ...UNWANTED_FIRMWARE]) {
    writeFileSync(join(folder, 'firmware', name), `${name}\n`)
  }
  writeFileSync(join(folder, 'u-boot-3.bin'), noise(600_001, 3))
  writeFileSync(join(folder, 'u-boot-4.bin'), noise(610_001, 4))
}

type Partition = ImageSpec['partitions'][number]
type Fat = Extract<Partition, { type: 'fat32' }>
type Btrfs = Extract<Partition, { type: 'btrfs' }>

/** An image of it, small, with changes to parts of the description. */
export function describePi({
  spec = {},
  fat = {},
  btrfs = {},
  boot = { nodatacow: true, bootFiles: true },
}: {
  spec?: Partial<ImageSpec>
  fat?: Partial<Fat>
  btrfs?: Partial<Btrfs>
  boot?: Partial<NonNullable<Btrfs['subvolumes']>[number]>
} = {}): ImageSpec {
  return {
    seed: 'pi',
    time: '2026-01-01',
    table: { type: 'mbr', diskId: '0x2178694e' },
    ...spec,
    partitions: [
      {
        type: 'fat32',
        label: 'FIRMWARE',
        size: '40MiB',
        firmware: {
          directory: 'firmware',
          ubootPi3: 'u-boot-3.bin',
          ubootPi4: 'u-boot-4.bin',
          config: { all: { gpu_mem: 16 } },
          extraConfig: ['program_usb_boot_mode=1'],
        },
        ...fat,
      },
      {
        type: 'btrfs',
        label: 'NIXOS_SD',
        size: 'fit',
        slack: 0,
        compression: 'zstd:3',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@boot', path: '/boot', ...boot },
          { name: '@nix', path: '/nix' },
        ],
        links: { boot: '@boot' },
        nixos: {},
        sources: [{ tar: 'closure.tar' }],
        ...btrfs,
      },
    ],
  }
}
