/** The boot files of a root file system with kernels in /boot: for U-Boot, systemd-boot, or a Raspberry Pi's firmware. */
import { fromText, toBytes, toDisplay, toLatin1, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { formatBlsEntry } from './bls/entry.ts'
import { entryFileName } from './bls/file-name.ts'
import { formatLoaderConf } from './bls/loader-conf.ts'
import type { SystemdBootOptions } from './bls/nixos-entries.ts'
import { systemdBootIn, systemdBootFiles } from './bls/systemd-boot.ts'
import type { BootFile } from './boot-file.ts'
import { formatExtlinux, type ExtlinuxEntry } from './extlinux.ts'
import {
  deviceTreeFiles,
  linuxIdentity,
  linuxKernels,
  type LinuxIdentity,
  type LinuxKernel,
} from './linux-kernels.ts'
import type { SystemTree } from './system-tree.ts'
import { parsePe, PE_HEAD } from './uefi/pe.ts'

export interface LinuxBootOptions extends SystemdBootOptions {
  /** `root=` and `rootflags=`. */
  root: string
  /** Number of kernels in the menu. */
  kernels: number
  /** True: all device trees; a path below their folder: this one; false: none. */
  deviceTree: boolean | string
}

/** Files of a boot folder for U-Boot, in which `boot` of the system is the folder itself, or is copied to it. */
export async function linuxExtlinux(tree: SystemTree, options: LinuxBootOptions): Promise<BootFile[]> {
  const { slot, timeout, deviceTree } = options
  const identity = await linuxIdentity(tree)
  const files = new Map<ByteString, BootFile>()
  const put = (path: ByteString, from: ByteString) => {
    files.set(path, { path, from })
    return `../${toLatin1(path)}`
  }
  const suffix = slot === undefined ? '' : `-${slot}`
  const entries = linuxKernels(tree)
    .slice(0, options.kernels)
    .map((kernel): ExtlinuxEntry => {
      const { version } = kernel
      const trees = chosenTrees(tree, kernel, deviceTree, fromText(`dtbs/${version}`))
      for (const file of trees.files) files.set(file.path, file)
      return {
        name: `${version}${suffix}`,
        title: `${identity.title}, Linux ${version}${slot === undefined ? '' : ` (${slot})`}`,
        kernel: put(baseName(kernel.kernel.path), kernel.kernel.path),
        initrd: kernel.initrd && put(baseName(kernel.initrd.path), kernel.initrd.path),
        append: commandLine(identity, kernel, options),
        ...(trees.one !== undefined && { fdt: `../${trees.one}` }),
        ...(trees.one === undefined && trees.files.length > 0 && { fdtdir: `../dtbs/${version}` }),
      }
    })
  const menu = formatExtlinux({
    default: entries[0].name,
    title: identity.title,
    // U-Boot waits forever with 0, and not at all with less.
    timeout: timeout < 0 ? 0 : timeout === 0 ? -10 : timeout * 10,
    entries,
  })
  return [...files.values(), textFile('extlinux/extlinux.conf', menu)]
}

/** An EFI system partition in the layout of kernel-install(8): `TOKEN/VERSION/linux`, and an entry for each kernel. */
export async function linuxEntries(tree: SystemTree, options: LinuxBootOptions): Promise<BootFile[]> {
  const { slot, deviceTree } = options
  const identity = await linuxIdentity(tree)
  const token = slot === undefined ? identity.token : `${identity.token}-${slot}`
  const tries = options.tries ?? identity.tries
  const files = new Map<ByteString, BootFile>()
  const put = (path: string, from: ByteString) => {
    files.set(fromText(path), { path: fromText(path), from })
    return `/${path}`
  }
  const kernels = linuxKernels(tree).slice(0, options.kernels)
  for (const kernel of kernels) {
    const { version, initrd } = kernel
    const folder = `${token}/${version}`
    const one =
      typeof deviceTree === 'string' ? chosenTrees(tree, kernel, deviceTree, fromText(folder)) : undefined
    for (const file of one?.files ?? []) files.set(file.path, file)
    const entry = formatBlsEntry({
      title: slot === undefined ? identity.title : `${identity.title} [${slot}]`,
      sortKey: identity.sortKey,
      version,
      linux: put(`${folder}/linux`, kernel.kernel.path),
      ...(initrd && { initrds: [put(`${folder}/${toLatin1(baseName(initrd.path))}`, initrd.path)] }),
      options: commandLine(identity, kernel, options),
      ...(identity.token === identity.machineId && { machineId: identity.machineId }),
      ...(one?.one !== undefined && { devicetree: `/${one.one}` }),
    })
    const file = textFile(`loader/entries/${entryFileName(`${token}-${version}`, tries)}`, entry)
    files.set(file.path, file)
  }
  const conf = formatLoaderConf({
    timeout: options.timeout < 0 ? 'menu-force' : options.timeout,
    editor: options.editor,
    consoleMode: options.consoleMode,
  })
  const program =
    options.program ?? systemdBootIn(tree, 'usr', await architectureOf(tree, kernels[0]), 'linux')
  return [...systemdBootFiles(program), ...files.values(), textFile('loader/loader.conf', conf)]
}

/** What the firmware of a Raspberry Pi starts itself: the newest kernel under the name that it looks for. */
export async function linuxFirmwareFiles(tree: SystemTree, options: LinuxBootOptions): Promise<BootFile[]> {
  const identity = await linuxIdentity(tree)
  const [kernel] = linuxKernels(tree)
  const { deviceTrees } = kernel
  const broadcom = deviceTrees && (tree.find(`${deviceTrees.path}/broadcom`) ?? deviceTrees)
  const trees = broadcom === undefined ? [] : tree.list(broadcom)
  return [
    { path: 'kernel8.img', from: kernel.kernel.path },
    ...(kernel.initrd === undefined ? [] : [{ path: 'initramfs8', from: kernel.initrd.path }]),
    ...trees.flatMap((name): BootFile[] => {
      const found = tree.find(`${broadcom!.path}/${name}`)
      return found?.type === 'file' && /^bcm27|^bcm28/.test(toLatin1(name))
        ? [{ path: name, from: found.path }]
        : []
    }),
    textFile('cmdline.txt', `${commandLine(identity, kernel, options)}\n`),
  ]
}

function commandLine(
  identity: LinuxIdentity,
  { initrd }: LinuxKernel,
  { root, cmdline }: LinuxBootOptions,
): string {
  const given = cmdline ?? identity.cmdline ?? ''
  const has = (key: string) => new RegExp(`(^| )${key}( |=|$)`).test(given)
  // A file system that no fstab names stays as the kernel has mounted it.
  const mode = has('ro') || has('rw') ? [] : ['rw']
  // Without an initrd the kernel waits for no disk, unless it is told to.
  const wait = initrd === undefined && !has('rootwait') ? ['rootwait'] : []
  const id =
    identity.token === identity.machineId && !has('systemd.machine_id')
      ? [`systemd.machine_id=${identity.machineId}`]
      : []
  return [
    ...(has('root') || root === '' ? [] : [root]),
    ...mode,
    ...wait,
    ...(given === '' ? [] : [given]),
    ...id,
  ].join(' ')
}

/** The device trees of a kernel that are copied, and the path of the only one that is asked for. */
function chosenTrees(
  tree: SystemTree,
  { version, deviceTrees }: LinuxKernel,
  wanted: boolean | string,
  target: ByteString,
): { files: BootFile[]; one?: string } {
  if (wanted === false || (wanted === true && deviceTrees === undefined)) return { files: [] }
  if (wanted === true) return { files: deviceTreeFiles(tree, deviceTrees!, target) }
  const found = deviceTrees && tree.find(`${deviceTrees.path}/${fromText(wanted)}`)
  if (found?.type !== 'file') {
    const where = deviceTrees === undefined ? '/boot' : toDisplay(`/${deviceTrees.path}`)
    throw new InputError(`Linux ${version} has no device tree ${wanted}`, { source: 'linux', entry: where })
  }
  const path = `${target}/${baseName(found.path)}`
  return { files: [{ path, from: found.path }], one: toLatin1(path) }
}

async function architectureOf(tree: SystemTree, { kernel }: LinuxKernel) {
  const image = parsePe(await tree.read(kernel, PE_HEAD))
  if (image?.architecture !== undefined) return image.architecture
  throw new InputError('the kernel is not an EFI program: systemd-boot cannot start it', {
    ...{ source: 'linux', entry: toDisplay(`/${kernel.path}`) },
  })
}

const baseName = (path: ByteString): ByteString => path.slice(path.lastIndexOf('/') + 1)

function textFile(path: string, text: string): BootFile {
  return { path: fromText(path), content: toBytes(fromText(text)) }
}
