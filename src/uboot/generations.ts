/**
 * The menu of a NixOS system and the files it names, in the layout of NixOS' generic-extlinux-compatible boot loader,
 * so that `nixos-rebuild` finds the files that it would have made itself.
 */
import { fromText, toBytes, toDisplay, type ByteString, toLatin1 } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { BootFile } from './boot-file.ts'
import { formatExtlinux, type ExtlinuxEntry } from './extlinux.ts'
import { PROFILES, STORE, storePaths } from './nix-store.ts'
import type { FoundNode, SystemTree } from './system-tree.ts'

const TITLE = '-'.repeat(60)
/** A store path's name begins with 32 digits of base 32. */
const SYSTEM_NAME = /^[0-9a-z]{32}-nixos-system-/
/** Bytes of a file with one line of text; longer ones are no list of kernel parameters. */
const MAX_TEXT = 65536

export interface BootMenuOptions {
  /** Path of the system, without a slash at the start. */
  toplevel: ByteString
  /** Seconds until the default entry is booted; 0: immediately, less: never. */
  timeout: number
  /** Number of generations in the menu besides the default entry. */
  generations: number
  /** True: a folder of device trees, from which U-Boot takes the one of its board; a name: this one; false: none. */
  deviceTree: boolean | string
  /** Added to the command lines. */
  cmdline?: string | undefined
}

interface Entries {
  entries: ExtlinuxEntry[]
  files: Map<ByteString, BootFile>
}

/**
 * The boot files of a system: menu, kernels, initrds, device trees.
 *
 * @throws InputError when the system lacks what it cannot boot without
 */
export async function bootFiles(tree: SystemTree, options: BootMenuOptions): Promise<BootFile[]> {
  const made: Entries = { entries: [], files: new Map() }
  const { toplevel, timeout, generations } = options
  const system = tree.find(toplevel)
  if (system?.type !== 'directory') throw missing(toplevel, 'the system is not in the sources')
  await addEntry(made, tree, system, { name: 'default', title: () => 'NixOS - Default' }, options)
  for (const { number, path } of generationsOf(tree).slice(0, Math.max(0, generations))) {
    const variants = [{ name: 'default', path }, ...specialisationsOf(tree, path)]
    for (const { name, path } of variants) {
      const tag = `${number}-${name}`
      const title = (version: string) => `NixOS - Configuration ${tag} (${version})`
      if (isBootable(tree, path)) await addEntry(made, tree, path, { name: tag, title }, options)
    }
  }
  const menu = formatExtlinux({
    default: 'nixos-default',
    title: TITLE,
    // U-Boot waits forever with 0, and not at all with less.
    timeout: timeout < 0 ? 0 : timeout === 0 ? -10 : timeout * 10,
    entries: made.entries,
  })
  const comment = '# Written with the image; nixos-rebuild writes it anew.\n'
  return [
    ...made.files.values(),
    { path: 'extlinux/extlinux.conf', content: toBytes(fromText(comment + menu)) },
  ]
}

/**
 * The default system to boot: that of the system profile, or else the only one in the store.
 *
 * @throws InputError when there is none, or more than one
 */
export function findToplevel(tree: SystemTree): ByteString {
  const profile = tree.find(`${PROFILES}/system`)
  if (profile?.type === 'directory') return profile.path
  const systems = storePaths(tree, SYSTEM_NAME).filter((system) => isBootable(tree, system))
  const inner = new Set(
    systems.flatMap((system) => specialisationsOf(tree, system).map(({ path }) => path.path)),
  )
  const outer = systems.filter(({ path }) => !inner.has(path))
  if (outer.length === 1) return outer[0].path
  const found =
    outer.length === 0
      ? `no system profile, and no ${STORE}*-nixos-system-* with a kernel and an initrd`
      : `no system profile, and several systems: ${outer.map(({ path }) => toDisplay(path)).join(', ')}`
  throw new InputError(`the sources have ${found}; name the system with "toplevel"`, { source: 'nixos' })
}

/** The generations of the system profile, the latest first. */
export function generationsOf(tree: SystemTree): { number: number; path: FoundNode }[] {
  const profiles = tree.find(PROFILES)
  if (profiles?.type !== 'directory') return []
  return tree
    .list(profiles)
    .flatMap((name) => {
      const number = /^system-([1-9]\d{0,8})-link$/.exec(toLatin1(name))?.[1]
      const path = number === undefined ? undefined : tree.find(`${PROFILES}/${name}`)
      return path?.type === 'directory' ? [{ number: Number(number), path }] : []
    })
    .sort((a, b) => b.number - a.number)
}

function specialisationsOf(tree: SystemTree, system: FoundNode): { name: ByteString; path: FoundNode }[] {
  const folder = tree.find(`${system.path}/specialisation`)
  if (folder?.type !== 'directory') return []
  return tree.list(folder).flatMap((name) => {
    const path = tree.find(`${folder.path}/${name}`)
    return path?.type === 'directory' && /^[!-~]+$/.test(toLatin1(name)) ? [{ name, path }] : []
  })
}

function isBootable(tree: SystemTree, { path }: FoundNode): boolean {
  return ['kernel', 'initrd'].every((name) => tree.find(`${path}/${name}`)?.type === 'file')
}

async function addEntry(
  { entries, files }: Entries,
  tree: SystemTree,
  system: FoundNode,
  { name, title }: { name: string; title: (version: string) => string },
  { deviceTree, cmdline = '' }: BootMenuOptions,
): Promise<void> {
  const needed = (part: string) => {
    const found = tree.find(`${system.path}/${part}`)
    if (found?.type === 'file') return found
    throw missing(`${system.path}/${part}`, `the system cannot boot without its ${part}`)
  }
  const copy = (from: FoundNode) => {
    const path = `nixos/${cleanName(from.path)}`
    files.set(path, { path, from: from.path })
    return `../${path}`
  }
  const kernel = copy(needed('kernel'))
  const initrd = copy(needed('initrd'))
  needed('init')
  const parameters = await readLine(tree, `${system.path}/kernel-params`)
  const version = await readLine(tree, `${system.path}/nixos-version`)
  entries.push({
    name: `nixos-${name}`,
    title: title(version),
    kernel,
    initrd,
    append: [`init=/${system.path}/init`, parameters, cmdline].filter((part) => part !== '').join(' '),
    ...addDeviceTrees(files, tree, system, deviceTree),
  })
}

function addDeviceTrees(
  files: Map<ByteString, BootFile>,
  tree: SystemTree,
  system: FoundNode,
  deviceTree: boolean | string,
): Pick<ExtlinuxEntry, 'fdt' | 'fdtdir'> {
  if (deviceTree === false) return {}
  const folder = tree.find(`${system.path}/dtbs`)
  const one = typeof deviceTree === 'string' ? fromText(deviceTree) : undefined
  if (folder?.type !== 'directory') {
    if (one === undefined) return {}
    throw missing(`${system.path}/dtbs`, `the system has no device trees, and ${one} is asked for`)
  }
  if (one !== undefined && tree.find(`${folder.path}/${one}`)?.type !== 'file') {
    throw missing(`${folder.path}/${one}`, 'the system has no such device tree')
  }
  const target = `nixos/${cleanName(folder.path)}`
  addFolder(files, tree, folder, target, 0)
  return one === undefined ? { fdtdir: `../${target}` } : { fdt: `../${target}/${one}` }
}

/** Follows symlinks, as FAT has none, and not every boot loader follows them. */
function addFolder(
  files: Map<ByteString, BootFile>,
  tree: SystemTree,
  folder: FoundNode,
  target: ByteString,
  depth: number,
): void {
  // A symlink may lead to a parent folder.
  if (depth > 8) throw missing(folder.path, 'the device trees are nested more than 8 directories deep')
  for (const name of tree.list(folder)) {
    const found = tree.find(`${folder.path}/${name}`)
    const path = `${target}/${name}`
    if (found?.type === 'directory') addFolder(files, tree, found, path, depth + 1)
    else if (found?.type === 'file') files.set(path, { path, from: found.path })
  }
}

/** `HASH-NAME-FILE`, unique by the store path. */
function cleanName(path: ByteString): ByteString {
  return (path.startsWith(STORE) ? path.slice(STORE.length) : path).replaceAll('/', '-')
}

/** The lines of a small file as one; empty when there is none. */
async function readLine(tree: SystemTree, path: ByteString): Promise<string> {
  const file = tree.find(path)
  if (file?.type !== 'file') return ''
  const bytes = await tree.read(file)
  if (bytes.length > MAX_TEXT) throw missing(path, `expected a line of text, found ${bytes.length} bytes`)
  return new TextDecoder()
    .decode(bytes)
    .trim()
    .replace(/\s*\n\s*/g, ' ')
}

function missing(path: ByteString, message: string): InputError {
  return new InputError(message, { source: 'nixos', entry: toDisplay(`/${path}`) })
}
