/** Checks what systemd-boot boots: loader.conf, entries, and unified kernel images. (systemd-boot(7)) */
import { fromBytes, lowerCaseAscii, toLatin1, type ByteString } from '../../lib/byte-string.ts'
import type { Finding } from '../../lib/finding.ts'
import type { PartitionList } from '../block-device.ts'
import type { BootNode, BootPartition } from '../boot-tree.ts'
import { rootProblems } from '../command-line.ts'
import { parseBlsEntry, type ParsedBlsEntry } from '../bls/entry.ts'
import { parseEntryName, type EntryName } from '../bls/file-name.ts'
import { parseLoaderConf } from '../bls/loader-conf.ts'
import { compareEntries, defaultEntry, matches, type OrderedEntry } from '../bls/order.ts'
import type { Architecture } from '../partition-types.ts'
import { osRelease } from '../linux-kernels.ts'
import { ukiFindings, ukiText } from './lint-uki.ts'
import { formatPath, partitionName } from './partition-name.ts'
import { parsePe, PE_HEAD, sectionOf, type PeImage } from './pe.ts'

/** systemd-boot reads no larger ones. */
const MAX_TEXT = 65536

export interface BlsLintOptions {
  esp: BootPartition
  /** The extended boot loader partition. */
  extended: BootPartition | undefined
  /** Of the systemd-boot that reads them. */
  architecture: Architecture
  partitions: PartitionList
}

/** An entry of the menu, of either type. */
interface MenuEntry extends OrderedEntry {
  partition: BootPartition
  /** Its `.conf`, or the image itself. */
  node: BootNode
  /** Findings about it, apart from their severity, which depends on whether it is the default. */
  problems: string[]
  notes: Finding[]
}

export async function lintBls({
  esp,
  extended,
  architecture,
  partitions,
}: BlsLintOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  const report = (severity: Finding['severity'], { path }: Pick<BootNode, 'path'>, message: string) =>
    findings.push({ severity, where: `${partitionName(esp)}, ${formatPath(path)}`, message })
  const conf = await readConf(esp)
  for (const problem of conf?.problems ?? []) report('warning', { path: 'loader/loader.conf' }, problem)
  const context = { architecture, partitions }
  const entries: MenuEntry[] = []
  for (const partition of extended === undefined ? [esp] : [esp, extended]) {
    entries.push(
      ...(await confEntries(partition, context, findings)),
      ...(await ukiEntries(partition, context)),
    )
  }
  entries.sort(compareEntries)
  if (entries.length === 0) {
    const places = extended === undefined ? '' : ` and ${partitionName(extended)}`
    const message = `has no entry in loader/entries and no image in EFI/Linux${places}: systemd-boot finds nothing to boot`
    return [...findings, { severity: 'error', where: partitionName(esp), message }]
  }
  const wanted = conf?.default
  if (wanted !== undefined && !wanted.startsWith('@') && !entries.some(({ id }) => matches(wanted, id))) {
    const message = `default ${wanted} matches no entry: systemd-boot takes the first one, ${entries[0].id}`
    report('warning', { path: 'loader/loader.conf' }, message)
  }
  const preferred = conf?.preferred
  const first =
    (preferred === undefined
      ? undefined
      : entries.find(({ id, counter }) => counter?.left !== 0 && matches(preferred, id))) ??
    defaultEntry(entries, wanted)
  for (const entry of entries) {
    const where = `${partitionName(entry.partition)}, ${formatPath(entry.node.path)}`
    const severity = entry === first ? 'error' : 'warning'
    for (const message of entry.problems) findings.push({ severity, where, message })
    for (const note of entry.notes)
      findings.push(entry === first ? note : { ...note, severity: soften(note.severity) })
    if (entry.counter?.left === 0) {
      const message = 'has no tries left: systemd-boot puts it at the end of its menu'
      findings.push({ severity: 'warning', where, message })
    }
  }
  return findings
}

const soften = (severity: Finding['severity']) => (severity === 'error' ? 'warning' : severity)

async function readConf({ tree }: BootPartition) {
  const node = await tree.find('loader/loader.conf')
  return node?.type === 'file' ? parseLoaderConf(await readText(tree, node)) : undefined
}

async function readText(tree: BootPartition['tree'], node: BootNode): Promise<string> {
  return toLatin1(fromBytes(await tree.read(node, MAX_TEXT)))
}

interface Context {
  architecture: Architecture
  partitions: PartitionList
}

async function filesIn(
  { tree }: BootPartition,
  path: ByteString,
  suffix: string,
): Promise<[ByteString, BootNode][]> {
  const folder = await tree.find(path)
  if (folder?.type !== 'directory') return []
  const found: [ByteString, BootNode][] = []
  for (const name of [...(await tree.list(folder))].sort()) {
    const text = lowerCaseAscii(name)
    if (!text.endsWith(suffix) || text.startsWith('.') || text.startsWith('auto-')) continue
    const node = await tree.find(`${path}/${name}`)
    if (node?.type === 'file') found.push([name, node])
  }
  return found
}

async function confEntries(
  partition: BootPartition,
  context: Context,
  findings: Finding[],
): Promise<MenuEntry[]> {
  const entries: MenuEntry[] = []
  for (const [name, node] of await filesIn(partition, 'loader/entries', '.conf')) {
    const entry = parseBlsEntry(await readText(partition.tree, node))
    const where = `${partitionName(partition)}, ${formatPath(node.path)}`
    for (const message of entry.problems) findings.push({ severity: 'warning', where, message })
    const hidden = await whyHidden(partition, entry, context)
    if (hidden !== undefined) {
      findings.push({
        severity: 'warning',
        where,
        message: `${hidden}: systemd-boot does not show the entry`,
      })
      continue
    }
    entries.push(
      menuEntry(
        partition,
        node,
        parseEntryName(toLatin1(name)),
        entry,
        await entryProblems(partition, entry, context),
      ),
    )
  }
  return entries
}

function menuEntry(
  partition: BootPartition,
  node: BootNode,
  { id, counter }: EntryName,
  { sortKey, machineId, version }: Pick<ParsedBlsEntry, 'sortKey' | 'machineId' | 'version'>,
  problems: string[],
  notes: Finding[] = [],
): MenuEntry {
  return { partition, node, id: id.toLowerCase(), counter, sortKey, machineId, version, problems, notes }
}

/** @returns why an entry is left out of the menu */
async function whyHidden(
  { tree }: BootPartition,
  { linux, efi, uki, architecture: wanted }: ParsedBlsEntry,
  { architecture }: Context,
): Promise<string | undefined> {
  const program = linux ?? efi ?? uki
  if (program === undefined) return 'names nothing to boot (linux, efi or uki)'
  if (wanted !== undefined && wanted.toLowerCase() !== architecture)
    return `is for ${wanted}, not for ${architecture}`
  const node = await tree.find(treePath(program))
  if (node?.type === 'file') return undefined
  return `names ${program}, which is not there`
}

/** Problems of an entry that is shown. */
async function entryProblems(
  { tree }: BootPartition,
  entry: ParsedBlsEntry,
  { architecture, partitions }: Context,
): Promise<string[]> {
  const { linux, efi, uki, initrds = [], devicetree, devicetreeOverlays = [], options = '' } = entry
  const problems: string[] = []
  const program = (linux ?? efi ?? uki)!
  const image = parsePe(await tree.read((await tree.find(treePath(program)))!, PE_HEAD))
  problems.push(...programProblems(program, image, architecture))
  for (const [key, path] of [
    ...initrds.map((initrd) => ['initrd', initrd]),
    ...(devicetree === undefined ? [] : [['devicetree', devicetree]]),
    ...devicetreeOverlays.map((overlay) => ['devicetree-overlay', overlay]),
  ]) {
    const node = await tree.find(treePath(path))
    if (node?.type !== 'file')
      problems.push(`its ${key} ${path} is not there: systemd-boot cannot boot the entry`)
  }
  if (linux !== undefined) problems.push(...(await rootProblems(options, partitions)))
  return problems
}

function programProblems(path: string, image: PeImage | undefined, architecture: Architecture): string[] {
  if (image === undefined)
    return [`${path} is not an EFI program (a kernel needs its EFI stub, and must not be compressed)`]
  if (image.architecture === architecture) return []
  return [`${path} is for ${image.architecture ?? 'another processor'}, not for ${architecture}`]
}

async function ukiEntries(
  partition: BootPartition,
  { architecture, partitions }: Context,
): Promise<MenuEntry[]> {
  const entries: MenuEntry[] = []
  for (const [name, node] of await filesIn(partition, 'EFI/Linux', '.efi')) {
    const image = parsePe(await partition.tree.read(node, PE_HEAD))
    const release = image && osRelease((await ukiText(partition, node, image, '.osrel')) ?? '')
    const isUki = image !== undefined && sectionOf(image, '.linux') !== undefined
    // systemd-boot shows images that are for it, and have .osrel; the check of an image names what keeps it out.
    const problems = isUki
      ? programProblems(formatPath(node.path), image, architecture)
      : ['is not a unified kernel image']
    const notes = isUki ? await ukiFindings(partition, node, image, partitions) : []
    const version = image && ((await ukiText(partition, node, image, '.uname')) ?? release?.get('VERSION_ID'))
    const order = { sortKey: release?.get('IMAGE_ID') ?? release?.get('ID'), machineId: undefined, version }
    entries.push(menuEntry(partition, node, parseEntryName(toLatin1(name)), order, problems, notes))
  }
  return entries
}

/** Paths of entries begin at the root, and may have the separators of either world. */
function treePath(path: string): ByteString {
  return path.replaceAll('\\', '/').replace(/^\/+/, '')
}
