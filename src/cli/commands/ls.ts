import type { Command } from 'commander'
import type { ListEntry, FileSystem, Stat } from '../../image/file-system.ts'
import { fromBytes, fromText, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { debugOption, addExamples, IMAGE, PLACE } from '../arguments.ts'
import type { UsageError } from '../preset-options.ts'
import { byName, entryJson, entryLines, entryRow, type ShownEntry } from '../entry-text.ts'
import { partitionsJson, partitionsText } from '../partition-text.ts'
import { findPath, parsePlace, partitionOf, withImage } from '../place.ts'
import { JsonListPrinter, print, Printer, printJson } from '../print.ts'

interface LsFlags {
  long?: true
  recursive?: true
  json?: true
}

export function addLs(program: Command): void {
  addExamples(program.command('ls'), ['diskwright ls disk.img', 'diskwright ls -lR disk.img.zst 2:/@/etc'])
    .description('list the partitions of an image, or the entries of a directory')
    .argument('<image>', IMAGE)
    .argument('[place]', PLACE)
    .option('-l, --long', 'with modes, owners, sizes and times (UTC)')
    .option('-R, --recursive', 'list subdirectories as well')
    .option('--json', 'print JSON')
    .addOption(debugOption())
    .action((image: string, place: string | undefined, flags: LsFlags, command: Command) =>
      ls(image, place, flags, (message) => command.error(message)),
    )
}

/** Lists the partitions of an image, or the entries of a directory. */
function ls(path: string, place: string | undefined, flags: LsFlags, usage: UsageError): Promise<void> {
  return withImage(path, async (image) => {
    if (place === undefined && image.partitions.length !== 1) {
      if (flags.json) await printJson(partitionsJson(image))
      else await print(partitionsText(image))
      return
    }
    const asked = parsePlace(place ?? '/')
    const fileSystem = await partitionOf(image, asked, usage).open()
    const lister = flags.json ? new JsonLister(fileSystem) : new TextLister(fileSystem, flags)
    // With -l a symlink itself is listed, unless its path ends in a slash.
    const followLast = !flags.long && !flags.json
    const found = await findPath(fileSystem, asked.path, { followLast })
    await listPath(fileSystem, fromText(asked.path), found, lister, flags.recursive ?? false)
    await lister.end()
  })
}

/** Output of a listing. */
interface Lister {
  /** A single entry, given by its name. */
  single(entry: ShownEntry): Promise<void>
  /** @param path the given path, extended by the way to the directory */
  directory(path: ByteString, entries: readonly ListEntry[], directory: Stat): Promise<void>
  end(): Promise<void>
}

async function listPath(
  fileSystem: FileSystem,
  asked: ByteString,
  { path, stat }: { path: Uint8Array; stat: Stat },
  lister: Lister,
  isRecursive: boolean,
): Promise<void> {
  if (stat.type !== 'directory') {
    const target = stat.type === 'symlink' ? fromBytes(await fileSystem.readlinkBytes(path)) : undefined
    return lister.single({ name: asked, stat, target, subvolume: undefined })
  }
  const start = fromBytes(path).replace(/\/+$/, '')
  const open = [{ path: start, ref: stat as Pick<Stat, 'tree' | 'ino'> }]
  const seen = new Set<string>()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const entries = (await fileSystem.list(next.ref)).sort(byName)
    await lister.directory(next.path, entries, await fileSystem.lstat(next.ref))
    if (!isRecursive) return
    // Damage could make a directory its own ancestor.
    for (const { nameBytes, type, tree, ino } of entries.reverse()) {
      const key = `${tree} ${ino}`
      if (type !== 'directory' || seen.has(key)) continue
      seen.add(key)
      open.push({ path: `${next.path}/${fromBytes(nameBytes)}`, ref: { tree, ino } })
    }
  }
}

/** An entry with everything that `ls -l` shows. */
async function shownEntry(
  fileSystem: FileSystem,
  { nameBytes, type, tree, ino }: ListEntry,
  directory: Stat,
): Promise<ShownEntry> {
  const stat = await fileSystem.lstat({ tree, ino })
  const target = type === 'symlink' ? fromBytes(await fileSystem.readlinkBytes({ tree, ino })) : undefined
  const subvolume = tree === directory.tree ? undefined : tree
  return { name: fromBytes(nameBytes), stat, target, subvolume }
}

class TextLister implements Lister {
  readonly #fileSystem: FileSystem
  readonly #flags: LsFlags
  readonly #printer = new Printer()
  #isFirst = true

  constructor(fileSystem: FileSystem, flags: LsFlags) {
    this.#fileSystem = fileSystem
    this.#flags = flags
  }

  single(entry: ShownEntry): Promise<void> {
    return this.#printer.add(this.#flags.long ? entryLines([entryRow(entry)]) : `${toDisplay(entry.name)}\n`)
  }

  async directory(path: ByteString, entries: readonly ListEntry[], directory: Stat): Promise<void> {
    if (this.#flags.recursive)
      await this.#printer.add(`${this.#isFirst ? '' : '\n'}${toDisplay(path) || '/'}:\n`)
    this.#isFirst = false
    if (!this.#flags.long) {
      for (const { nameBytes } of entries) await this.#printer.add(`${toDisplay(fromBytes(nameBytes))}\n`)
      return
    }
    const rows: string[][] = []
    for (const entry of entries) rows.push(entryRow(await shownEntry(this.#fileSystem, entry, directory)))
    await this.#printer.add(entryLines(rows))
  }

  end(): Promise<void> {
    return this.#printer.flush()
  }
}

class JsonLister implements Lister {
  readonly #fileSystem: FileSystem
  readonly #printer = new JsonListPrinter()

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  single(entry: ShownEntry): Promise<void> {
    return this.#printer.add(entryJson(entry))
  }

  async directory(path: ByteString, entries: readonly ListEntry[], directory: Stat): Promise<void> {
    for (const entry of entries) {
      const shown = await shownEntry(this.#fileSystem, entry, directory)
      await this.#printer.add(entryJson({ ...shown, name: `${path}/${shown.name}` }))
    }
  }

  end(): Promise<void> {
    return this.#printer.end()
  }
}
