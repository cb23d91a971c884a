/** Where U-Boot finds its menu. */
import type { BootNode, BootPartition } from './boot-tree.ts'
import { isEsp } from './partition-types.ts'

/** Folders that U-Boot searches, in this order. (bootstd's prefixes, distro_bootcmd's boot_prefixes) */
export const PREFIXES = ['', 'boot/']
/** Folders that it searches only if its variable `boot_prefixes` names them. */
export const CUSTOM_PREFIXES = ['@boot/', '@/boot/', '@/']
export const MENU_FILE = 'extlinux/extlinux.conf'
/** U-Boot refuses a larger menu. (extlinux_read_bootflow) */
export const MAX_MENU = 0x10000

export interface Menu {
  /** Without a slash at the start. */
  path: string
  node: BootNode
}

/** The partition that U-Boot boots from: the first one with a menu of those that are bootable, or else the first one. */
export async function ubootPartition(
  partitions: readonly BootPartition[],
): Promise<{ partition: BootPartition | undefined; menu: Menu | undefined }> {
  // (get_bootable of disk/part_efi.c)
  const bootable = partitions.filter((partition) => partition.bootable || isEsp(partition))
  const candidates = bootable.length > 0 ? bootable : partitions.slice(0, 1)
  for (const partition of candidates) {
    const menu = await findMenu(partition, [...PREFIXES, ...CUSTOM_PREFIXES])
    if (menu !== undefined) return { partition, menu }
  }
  return { partition: candidates[0], menu: undefined }
}

/** The first menu of these folders. */
export async function findMenu(boot: BootPartition, prefixes: readonly string[]): Promise<Menu | undefined> {
  for (const prefix of prefixes) {
    const node = await boot.tree.find(prefix + MENU_FILE)
    if (node?.type === 'file') return { path: prefix + MENU_FILE, node }
  }
  return undefined
}
