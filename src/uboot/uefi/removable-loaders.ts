/** What firmware starts from a disk that it knows nothing of. */
import { lowerCaseAscii, toLatin1 } from '../../lib/byte-string.ts'
import type { BootNode, BootPartition } from '../boot-tree.ts'
import type { Architecture } from '../partition-types.ts'

/** Where firmware looks that knows nothing of the disk, by architecture. (UEFI 3.5.1.1) */
const REMOVABLE: Readonly<Record<string, Architecture>> = {
  'bootx64.efi': 'x64',
  'bootaa64.efi': 'aa64',
  'bootia32.efi': 'ia32',
  'bootarm.efi': 'arm',
  'bootriscv64.efi': 'riscv64',
}
export interface Loader {
  node: BootNode
  architecture: Architecture
}

/** The programs of `EFI/BOOT` that firmware starts, in the order of their names. */
export async function removableLoaders({ tree }: BootPartition): Promise<Loader[]> {
  const folder = await tree.find('EFI/BOOT')
  if (folder?.type !== 'directory') return []
  const loaders: Loader[] = []
  for (const name of [...(await tree.list(folder))].sort()) {
    const architecture = REMOVABLE[toLatin1(lowerCaseAscii(name))]
    if (architecture === undefined) continue
    const node = await tree.find(`EFI/BOOT/${name}`)
    if (node?.type === 'file') loaders.push({ node, architecture })
  }
  return loaders
}
