/** Makes a root file system with kernels in /boot bootable. */
import type { ReadFile } from './host.ts'
import type { LinuxPlan, LoaderPlan } from '../spec/plan/plan.ts'
import type { SystemdBootOptions } from '../uboot/bls/nixos-entries.ts'
import { givenProgram } from '../uboot/bls/systemd-boot.ts'
import type { BootFile } from '../uboot/boot-file.ts'
import { linuxEntries, linuxExtlinux, linuxFirmwareFiles } from '../uboot/linux-boot.ts'
import type { SystemTree } from '../uboot/system-tree.ts'

/** @throws InputError when there is no kernel, or what boots it is not there */
export async function linuxFiles(tree: SystemTree, plan: LinuxPlan, readFile: ReadFile): Promise<BootFile[]> {
  const options = { ...plan, ...(await systemdBootOptions(plan, readFile)) }
  if (plan.loader === 'systemd-boot') return linuxEntries(tree, options)
  return plan.loader === 'extlinux' ? linuxExtlinux(tree, options) : linuxFirmwareFiles(tree, options)
}

/** With systemd-boot itself, if the plan names its file. */
export async function systemdBootOptions(plan: LoaderPlan, readFile: ReadFile): Promise<SystemdBootOptions> {
  const { systemdBoot, timeout, editor, consoleMode, tries, slot, cmdline } = plan
  const program =
    systemdBoot === undefined ? undefined : givenProgram(await readFile(systemdBoot), systemdBoot)
  return { timeout, editor, consoleMode, tries, slot, cmdline, program }
}
