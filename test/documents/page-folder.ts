/** The folder in which the blocks of a page run, and the small inputs that are in it. */
import { chmodSync, cpSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { storePath, type ClosureTree } from '../../fixtures/closure-tree.mjs'
import { MAIN } from '../cli/diskwright.ts'
import { makeClosure } from '../images/nixos-closure.ts'
import { peImage, SYSTEMD_BOOT } from '../images/pe.ts'
import { buildReadable } from '../images/readable.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'
import { ROOT } from './pages.ts'

const file = (path: string, content: string | Uint8Array): TarInput => ({ path, type: 'file', content })

/** As much of a Debian root file system as it takes to be taken for one, with a kernel and systemd-boot. */
function debian(architecture: 'amd64' | 'arm64'): Uint8Array {
  const [machine, linker] =
    architecture === 'amd64'
      ? (['x64', 'lib64/ld-linux-x86-64.so.2'] as const)
      : (['aa64', 'lib/ld-linux-aarch64.so.1'] as const)
  return buildTar([
    file('etc/hostname', 'debian\n'),
    file('usr/lib/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'),
    file(`usr/${linker}`, 'the dynamic linker\n'),
    file(`boot/vmlinuz-6.1.0-25-${architecture}`, peImage({ machine })),
    file(`boot/initrd.img-6.1.0-25-${architecture}`, 'initrd'),
    file(`usr/lib/systemd/boot/efi/systemd-boot${machine}.efi`, peImage({ machine, sections: SYSTEMD_BOOT })),
  ])
}

/** Adds systemd-boot to the system of a closure, where its installer looks for it. */
function addSystemdBoot(tree: ClosureTree, system: string): void {
  const systemd = storePath('systemd', '257')
  const loader = Buffer.from(peImage({ machine: 'aa64', sections: SYSTEMD_BOOT }))
  tree.storeFile(`${systemd}/lib/systemd/boot/efi/systemd-bootaa64.efi`, false, loader)
  tree.symlink(`${system}/systemd`, `/${systemd}`)
}

/**
 * Writes the inputs that pages can ask for:
 *
 * - `closure.tar`: a NixOS system in the layout of a closure, for arm64; its kernel does not run
 * - `closure-uefi.tar`: the same for a machine with UEFI, with systemd-boot
 * - `firmware/`, `u-boot-3.bin`, `u-boot-4.bin`: firmware files of a Raspberry Pi and U-Boot, stand-ins as well
 * - `rootfs.tar`: a Debian root file system for x86-64, with a kernel and systemd-boot; `debian.tar`: the same for arm64
 * - `linux.efi`: a unified kernel image that does not run
 * - `root.tar`, `disk.img`, `disk.img.zst`: those of test/images/readable.ts
 */
export async function writeInputs(folder: string): Promise<void> {
  makeClosure(folder)
  writeFileSync(join(folder, 'firmware/config.txt'), 'arm_64bit=1\n')
  writeFileSync(join(folder, 'firmware/cmdline.txt'), 'root=LABEL=NIXOS_SD rootflags=subvol=@\n')
  const uefi = join(folder, '.uefi')
  mkdirSync(uefi)
  const kernelImage = Buffer.from(peImage({ machine: 'aa64' }))
  makeClosure(uefi, { kernelImage, parameters: 'root=LABEL=ROOT', specialisations: {} }, addSystemdBoot)
  cpSync(join(uefi, 'closure.tar'), join(folder, 'closure-uefi.tar'))
  writeFileSync(join(folder, 'rootfs.tar'), debian('amd64'))
  writeFileSync(join(folder, 'debian.tar'), debian('arm64'))
  writeFileSync(
    join(folder, 'linux.efi'),
    peImage({ sections: { '.linux': 'kernel', '.osrel': 'ID=debian\n' } }),
  )
  const other = join(folder, '.readable')
  mkdirSync(other)
  await buildReadable(other)
  for (const name of ['root.tar', 'disk.img', 'disk.img.zst']) cpSync(join(other, name), join(folder, name))
}

/** Images are never written to, and too large to be copied for each page. */
export function copyInput(from: string, to: string): void {
  if (/\.img(\.zst)?$/.test(from)) linkSync(from, to)
  else cpSync(from, to, { recursive: true })
}

/** A folder of programs to put on PATH: `diskwright`. */
export function writePrograms(folder: string): void {
  const program = join(folder, 'diskwright')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(program, 0o755)
}

/** Makes `import 'diskwright'`, and the packages it can be used with, resolve in a folder. */
export function linkPackages(folder: string): void {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/diskwright'))
  symlinkSync(join(ROOT, 'node_modules/@zenfs'), join(folder, 'node_modules/@zenfs'))
}
