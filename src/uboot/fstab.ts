/** The fstab of a NixOS system: what its initrd mounts. (fstab(5), nixos/modules/tasks/filesystems.nix) */
import { fromBytes, fromText, toLatin1, type ByteString } from '../lib/byte-string.ts'
import { findDevice, subvolumeProblem, type PartitionList } from './block-device.ts'
import type { SystemFiles } from './boot-tree.ts'
import { STORE } from './nix-store.ts'

/** Mounted before the system proper begins. (utils.pathsNeededForBoot of NixOS) */
const NEEDED_FOR_BOOT = new Set([
  '/',
  '/nix',
  '/nix/store',
  '/var',
  '/var/log',
  '/var/lib',
  '/var/lib/nixos',
  '/etc',
  '/usr',
])
/** Where the store is in a subvolume that is mounted at `/`, `/nix` or `/nix/store`. */
const STORES = [STORE, 'store/', '']
const MAX_SYMLINKS = 40

/** One line of an fstab. */
interface FstabEntry {
  device: string
  mountPoint: string
  options: string
}

/**
 * What keeps the initrd from mounting the file systems of a system.
 *
 * @param init the init= of the command line: `/nix/store/...-nixos-system-.../init`
 * @param isNeeded whether the initrd goes by the fstab alone (root=fstab)
 */
export async function fstabProblems(
  init: string,
  partitions: PartitionList,
  isNeeded: boolean,
): Promise<string[]> {
  const system = new RegExp(`^/${STORE}(.+)/init$`).exec(init)?.[1]
  // Of file systems other than BTRFS, only what boot loaders see is read.
  const canRead = partitions.readable.some(({ systems }) => systems !== undefined)
  if (system === undefined || !canRead) return []
  const path = `/${STORE}${system}/etc/fstab`
  const text = await readFstab(`${system}/etc/fstab`, partitions)
  if (text === undefined) return isNeeded ? [`root=fstab, but ${path} is not in the image`] : []
  const entries = parseFstab(text).filter(({ mountPoint }) => NEEDED_FOR_BOOT.has(mountPoint))
  const problems = entries.flatMap((entry) => {
    const problem = entryProblem(entry, partitions)
    return problem === undefined ? [] : [`${path}, ${entry.mountPoint}: ${problem}`]
  })
  const hasRoot = entries.some(({ mountPoint }) => mountPoint === '/')
  return isNeeded && !hasRoot ? [...problems, `root=fstab, but ${path} has no line for /`] : problems
}

function entryProblem({ device, options }: FstabEntry, partitions: PartitionList): string | undefined {
  const found = findDevice(device, partitions)
  if (found.kind === 'elsewhere') return undefined
  if (found.kind === 'partition') {
    const problem = subvolumeProblem(options, found.partition, partitions)
    return problem === undefined ? undefined : `${problem}: it cannot be mounted`
  }
  if (options.split(',').includes('nofail')) return undefined
  return `${device} names no partition of the image (${found.why}): the boot waits for it`
}

/** Lines without comments; unknown ones are left out. */
function parseFstab(text: string): FstabEntry[] {
  return text.split('\n').flatMap((line) => {
    const fields = line
      .trim()
      .split(/[ \t]+/)
      .map(unescaped)
    const [device, mountPoint, , options = ''] = fields
    return fields.length < 3 || device.startsWith('#') ? [] : [{ device, mountPoint, options }]
  })
}

/** `\040` is a space. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
}

/** @param path in the store */
async function readFstab(path: string, { readable }: PartitionList): Promise<string | undefined> {
  for (const { systems = [] } of readable) {
    for (const files of systems) {
      for (const store of STORES) {
        const content = await readInStore(files, store, fromText(path))
        if (content !== undefined) return toLatin1(fromBytes(content))
      }
    }
  }
  return undefined
}

/**
 * Reads a file of the store, whose symlinks lead to other paths of the store.
 *
 * @param store where the store is in the subvolume
 */
async function readInStore(
  files: SystemFiles,
  store: ByteString,
  path: ByteString,
): Promise<Uint8Array | undefined> {
  const left = path.split('/').reverse()
  let here: ByteString[] = []
  let symlinks = 0
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      here.pop()
      continue
    }
    const node = await files.look(`${store}${[...here, name].join('/')}`)
    if (node === undefined) return undefined
    if (node.type === 'file') return left.length === 0 ? node.content() : undefined
    if (node.type === 'directory') here.push(name)
    else {
      const isAbsolute = node.target.startsWith('/')
      if (++symlinks > MAX_SYMLINKS || (isAbsolute && !node.target.startsWith(`/${STORE}`))) return undefined
      if (isAbsolute) here = []
      left.push(
        ...node.target
          .slice(isAbsolute ? STORE.length + 1 : 0)
          .split('/')
          .reverse(),
      )
    }
  }
  return undefined
}
