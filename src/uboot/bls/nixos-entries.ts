/**
 * The EFI system partition of a NixOS system: entries, kernels and initrds under the names that NixOS' own
 * systemd-boot-builder gives them, so that `nixos-rebuild` finds the files that it would have made itself.
 */
import { fromBytes, fromText, toBytes, toDisplay, toLatin1, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { BootFile } from '../boot-file.ts'
import { generationsOf } from '../generations.ts'
import { STORE } from '../nix-store.ts'
import type { Architecture } from '../partition-types.ts'
import type { SystemTree } from '../system-tree.ts'
import { readBootSpec, type BootSpec } from './bootspec.ts'
import type { BlsEntry } from './entry.ts'
import { entryFileName } from './file-name.ts'
import { formatLoaderConf, type LoaderConf } from './loader-conf.ts'
import { namesByHash, nixosEntryText, type EntryNames } from './nixos-names.ts'
import { systemdBootIn, systemdBootFiles, type LoaderProgram } from './systemd-boot.ts'

const NIXOS_DIR = 'EFI/nixos'
const DISTRIBUTION = 'NixOS'
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  'x86_64-linux': 'x64',
  'aarch64-linux': 'aa64',
  'i686-linux': 'ia32',
  'armv7l-linux': 'arm',
  'riscv64-linux': 'riscv64',
}

/** Settings of systemd-boot, and how its entries are made. */
export interface SystemdBootOptions {
  /** Seconds until the default entry is booted; 0: at once, less: never. */
  timeout: number
  editor: boolean
  consoleMode: string
  /** How often an entry may be tried before it counts as bad; undefined: entries are not counted. */
  tries: number | undefined
  /** Tells the entries of several systems apart. */
  slot: string | undefined
  /** Added to the command line. */
  cmdline: string | undefined
  /** systemd-boot itself; undefined: the one in the sources. */
  program: LoaderProgram | undefined
}

export interface NixosEntriesOptions extends SystemdBootOptions {
  /** Path of the system, without a slash at the start. */
  toplevel: ByteString
  /** Number of generations in the menu. */
  generations: number
  /** Seconds since 1970: when the generations count as built. */
  builtAt: number
}

/**
 * @throws InputError when a system lacks what it cannot boot without, or systemd-boot is not there
 */
export async function nixosEntries(tree: SystemTree, options: NixosEntriesOptions): Promise<BootFile[]> {
  const { toplevel, tries, slot } = options
  const files = new Map<ByteString, BootFile>()
  const put = (file: BootFile) => files.set(file.path, file)
  const machineId = await machineIdOf(tree)
  // The newest ones, in the order of their numbers.
  const all = generationsOf(tree).slice(0, Math.max(1, options.generations)).reverse()
  const current = all.findLast(({ path }) => path.path === toplevel)
  if (current === undefined) {
    throw broken(
      toplevel,
      'the system is not a generation of the system profile, or "generations" leaves it out',
    )
  }
  // Entries of slots are told apart by their names.
  const names: EntryNames = slot === undefined && (await namesByHash(tree, toplevel)) ? 'hash' : 'generation'
  let currentId = ''
  for (const { number, path } of all) {
    const main = await readBootSpec(tree, path.path)
    const variants: [string | undefined, BootSpec][] = [[undefined, main], ...main.specialisations]
    for (const [specialisation, spec] of variants) {
      const entry: BlsEntry = {
        title: `${DISTRIBUTION}${slot === undefined ? '' : ` [${slot}]`}${specialisation === undefined ? '' : ` (${specialisation})`}`,
        sortKey: spec.sortKey,
        version: `Generation ${number} ${spec.label}, built on ${dateText(options.builtAt)}`,
        linux: `/${toLatin1(copy(tree, spec.kernel, put))}`,
        initrds: [`/${toLatin1(copy(tree, spec.initrd, put))}`],
        options: [`init=${spec.init} ${spec.kernelParams}`, options.cmdline ?? ''].filter(Boolean).join(' '),
        machineId,
        devicetree: spec.devicetree && `/${toLatin1(copy(tree, spec.devicetree, put))}`,
      }
      const { stem, text } = await nixosEntryText(entry, names, entryStem(slot, number, specialisation))
      put({
        path: fromText(`loader/entries/${entryFileName(stem, tries)}`),
        content: toBytes(fromText(text)),
      })
      if (path === current.path && specialisation === undefined) currentId = `${stem}.conf`
    }
  }
  put({
    path: 'loader/loader.conf',
    content: toBytes(
      fromText(
        formatLoaderConf({
          timeout: options.timeout < 0 ? 'menu-force' : options.timeout,
          ...defaultsOf(options, names, { id: currentId, isNewest: current === all.at(-1) }),
          editor: options.editor,
          consoleMode: options.consoleMode,
        }),
      ),
    ),
  })
  const spec = await readBootSpec(tree, toplevel)
  const program =
    options.program ?? systemdBootIn(tree, `${toplevel}/systemd`, ARCHITECTURES[spec.system], 'nixos')
  return [...systemdBootFiles(program), ...files.values()]
}

/** What is booted without a choice. A counted entry that has turned out bad must not stay it. */
function defaultsOf(
  { slot, tries }: NixosEntriesOptions,
  names: EntryNames,
  { id, isNewest }: { id: string; isNewest: boolean },
): Pick<LoaderConf, 'default' | 'preferred'> {
  if (slot !== undefined) return { default: 'nixos-*' }
  if (tries === undefined) return { default: id }
  if (names === 'hash') return { preferred: id, default: 'nixos-*' }
  return { default: isNewest ? 'nixos-generation-*' : id }
}

/** The name of an entry's file, but for its counter and its suffix. A slot takes the place of a profile. */
function entryStem(slot: string | undefined, number: number, specialisation: string | undefined): string {
  const parts = ['nixos', slot, 'generation', String(number)]
  if (specialisation !== undefined) parts.push(`specialisation-${specialisation}`)
  return parts.filter((part) => part !== undefined).join('-')
}

/** The place of a copy: named after the store path and the file in it. */
function copy(tree: SystemTree, path: ByteString, put: (file: BootFile) => void): ByteString {
  const found = tree.find(path)
  if (found?.type !== 'file') throw broken(path, 'the file is not in the sources')
  const inStore = found.path.startsWith(STORE) ? found.path.slice(STORE.length) : found.path
  const parts = inStore.split('/')
  const name = parts.length === 1 ? parts[0] : `${parts[0]}-${parts.at(-1)!}`
  const target = `${NIXOS_DIR}/${name}.efi`
  put({ path: target, from: found.path })
  return target
}

/** The machine's id, if the sources give it one. (machine-id(5)) */
async function machineIdOf(tree: SystemTree): Promise<string | undefined> {
  const file = tree.find('etc/machine-id')
  if (file?.type !== 'file') return undefined
  const text = toLatin1(fromBytes(await tree.read(file, 64))).trim()
  return /^[0-9a-f]{32}$/.test(text) ? text : undefined
}

function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

function broken(path: ByteString, message: string): InputError {
  return new InputError(message, { source: 'nixos', entry: toDisplay(`/${path}`) })
}
