/** The kernels of a root file system that has them in /boot, as Debian, Ubuntu, Fedora and Arch Linux do. */
import { fromText, toDisplay, toLatin1, toText, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { kernelVersionOf } from '../spec/notation/kernel-name.ts'
import { compareVersions } from './bls/order.ts'
import type { BootFile } from './boot-file.ts'
import type { FoundNode, SystemTree } from './system-tree.ts'

/** A kernel and what belongs to it. Nodes are without symlinks on the way. */
export interface LinuxKernel {
  /** Like `6.1.0-25-arm64`. */
  version: string
  kernel: FoundNode
  initrd: FoundNode | undefined
  /** Folder of device trees. */
  deviceTrees: FoundNode | undefined
}

const initrdsOf = (version: string) => [
  `initrd.img-${version}`,
  `initramfs-${version}.img`,
  `initrd-${version}`,
]
/** (linux-image of Debian; of Ubuntu; kernel-install of Fedora; Arch Linux ARM) */
const deviceTreesOf = (version: string) => [
  `usr/lib/linux-image-${version}`,
  `usr/lib/firmware/${version}/device-tree`,
  `usr/lib/modules/${version}/dtb`,
  `boot/dtb-${version}`,
  `boot/dtbs/${version}`,
  'boot/dtbs',
]

/**
 * The kernels, the newest first.
 *
 * @throws InputError when there is none
 */
export function linuxKernels(tree: SystemTree): LinuxKernel[] {
  const boot = tree.find('boot')
  const names = boot?.type === 'directory' ? tree.list(boot) : []
  const fileAt = (path: string) => {
    const found = tree.find(fromText(path))
    return found?.type === 'file' ? found : undefined
  }
  const kernels = names.flatMap((name): LinuxKernel[] => {
    const version = kernelVersionOf(toText(name) ?? '')
    const kernel = version === undefined ? undefined : fileAt(`boot/${toLatin1(name)}`)
    if (version === undefined || kernel === undefined) return []
    const [initrd] = initrdsOf(version).flatMap((file) => fileAt(`boot/${file}`) ?? [])
    const [deviceTrees] = deviceTreesOf(version).flatMap((folder) => {
      const found = tree.find(fromText(folder))
      return found?.type === 'directory' ? [found] : []
    })
    return [{ version, kernel, initrd, deviceTrees }]
  })
  if (kernels.length === 0) {
    throw new InputError('the sources have no kernel: expected a file like /boot/vmlinuz-6.1.0-25-arm64', {
      ...{ source: 'linux', entry: '/boot' },
    })
  }
  return kernels.sort((a, b) => compareVersions(b.version, a.version))
}

/** Copies of the device trees of a folder, symlinks followed, as FAT has none and not every boot loader follows them. */
export function deviceTreeFiles(
  tree: SystemTree,
  folder: FoundNode,
  target: ByteString,
  depth = 0,
): BootFile[] {
  // A symlink may lead to a parent folder.
  if (depth > 8) {
    throw new InputError('the device trees are nested more than 8 directories deep', {
      ...{ source: 'linux', entry: toDisplay(`/${folder.path}`) },
    })
  }
  return tree.list(folder).flatMap((name) => {
    const found = tree.find(`${folder.path}/${name}`)
    const path = `${target}/${name}`
    if (found?.type === 'directory') return deviceTreeFiles(tree, found, path, depth + 1)
    return found?.type === 'file' && /\.dtbo?$/.test(toLatin1(name)) ? [{ path, from: found.path }] : []
  })
}

/** What a root file system says of itself. (os-release(5), machine-id(5), kernel-install(8)) */
export interface LinuxIdentity {
  /** Like `Debian GNU/Linux 12 (bookworm)`. */
  title: string
  /** `IMAGE_ID` or `ID`. */
  sortKey: string | undefined
  /** Undefined: it gets one when it first runs. */
  machineId: string | undefined
  /** What the names of entries begin with. */
  token: string
  /** /etc/kernel/cmdline. */
  cmdline: string | undefined
  /** /etc/kernel/tries. */
  tries: number | undefined
}

export async function linuxIdentity(tree: SystemTree): Promise<LinuxIdentity> {
  const release = osRelease(
    (await textAt(tree, 'etc/os-release')) ?? (await textAt(tree, 'usr/lib/os-release')) ?? '',
  )
  const machineId = /^[0-9a-f]{32}$/.exec((await textAt(tree, 'etc/machine-id')) ?? '')?.[0]
  const sortKey = release.get('IMAGE_ID') ?? release.get('ID')
  const tries = await textAt(tree, 'etc/kernel/tries')
  const given = /^[!-.0-~]+$/.exec((await textAt(tree, 'etc/kernel/entry-token')) ?? '')?.[0]
  return {
    title: release.get('PRETTY_NAME') ?? 'Linux',
    sortKey,
    machineId,
    token: given ?? machineId ?? sortKey ?? 'linux',
    cmdline: (await textAt(tree, 'etc/kernel/cmdline')) ?? (await textAt(tree, 'usr/lib/kernel/cmdline')),
    tries: tries !== undefined && /^\d{1,9}$/.test(tries) ? Number(tries) : undefined,
  }
}

/** A small file, its lines as one; undefined when there is none. */
async function textAt(tree: SystemTree, path: string): Promise<string | undefined> {
  const file = tree.find(fromText(path))
  if (file?.type !== 'file') return undefined
  const text = new TextDecoder().decode(await tree.read(file, 65536)).trim()
  return path.includes('os-release') ? text : text.replace(/\s+/g, ' ')
}

/** The assignments of an os-release(5). */
export function osRelease(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, key, value] = /^([A-Z_0-9]+)=(.*?)\s*$/.exec(line) ?? []
      return key === undefined ? [] : [[key, value.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(.)/g, '$1')]]
    }),
  )
}
