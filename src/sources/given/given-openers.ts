/** Sources of files that are given by their names. */
import type { EntryMetadata, SourceEntry, Timestamp } from '../../file-tree/entry.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import { fromText, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError, UnsupportedError } from '../../lib/errors.ts'
import type { DirectorySourcePlan } from '../../spec/sources/directory.ts'
import type { FilesSourcePlan } from '../../spec/sources/files.ts'
import type { TarSourcePlan } from '../../spec/sources/tar.ts'
import type { SourceKindPlan } from '../../spec/sources/types.ts'
import { decompress, type DecompressOptions } from '../decompress.ts'
import { countedContent, withCountedContent } from '../kinds/counted-content.ts'
import { entriesOpener } from '../kinds/entries.ts'
import type { OpenContext, SourceOpener } from '../kinds/opener.ts'
import { tarEntries } from '../kinds/tar-entries.ts'
import { zenfsOpener } from '../kinds/zenfs.ts'
import { ANY_NAME, readNameTables } from '../name-tables.ts'
import { blobContent, modifiedTime, type GivenFiles } from './given-files.ts'

/**
 * Opens tar archives, folders and files of those given, besides what a program makes. Folders hold files alone: they have
 * no owners, modes or attributes.
 *
 * @param time of folders, and of files that have none
 */
export function givenOpeners(given: GivenFiles, time: Timestamp) {
  const openers: {
    [Kind in SourceKindPlan['kind']]: SourceOpener<Extract<SourceKindPlan, { kind: Kind }>>
  } = {
    tar: {
      nameOf: ({ path }) => path,
      open: (plan, context) => openTar(given, plan, context),
      inputs: () => [],
      sizeOf: ({ path }) => Promise.resolve(given.file(path).size),
    },
    directory: {
      nameOf: ({ path }) => path,
      open: (plan, context) => withCountedContent(folderEntries(given, plan, context, time), context),
      inputs: () => [],
    },
    files: {
      nameOf: ({ name }) => name,
      open: (plan, context) => openFiles(given, plan, context),
      inputs: () => [],
    },
    entries: entriesOpener,
    zenfs: zenfsOpener,
    nar: unavailable('nar', ({ path }) => path),
    nix: unavailable('nix', () => 'nix'),
    oci: unavailable('oci', ({ path }) => path),
    send: unavailable('send', ({ paths }) => paths.at(-1) ?? 'send'),
  }
  return ({ kind }: SourceKindPlan) => Promise.resolve(openers[kind] as SourceOpener<SourceKindPlan>)
}

function unavailable<Plan>(kind: string, nameOf: (plan: Plan) => string): SourceOpener<Plan> {
  return {
    nameOf,
    open(plan) {
      const expected = 'expected "tar", "directory", "files", "entries" or "zenfs"'
      throw new UnsupportedError(
        `${nameOf(plan)}: a source "${kind}" needs a machine with files: ${expected}`,
      )
    },
    inputs: () => [],
  }
}

async function* openTar(
  given: GivenFiles,
  { path, concatenated, resolveNames }: TarSourcePlan,
  { count, maxSize }: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const blob = given.file(path)
  const open =
    (bytes: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) =>
    (decompression: DecompressOptions) =>
      decompress(bytes(blobContent(blob, path)), path, decompression)
  const options = { source: path, concatenated, maxSize }
  const names =
    resolveNames === true
      ? await readNameTables(
          tarEntries(
            open((chunks) => chunks),
            { ...options, names: ANY_NAME },
          ),
        )
      : undefined
  yield* tarEntries(open(count), { ...options, names })
}

interface Folder {
  /** Files, and what is below folders, by their names. */
  children: Map<ByteString, Blob | Folder>
}

/** The folder, and everything below it: a folder before what it holds, names in the order of their bytes. */
// eslint-disable-next-line @typescript-eslint/require-await
async function* folderEntries(
  given: GivenFiles,
  { path, manifest, followSymlinks, keepOwners }: DirectorySourcePlan,
  { leavesOut }: OpenContext,
  time: Timestamp,
): AsyncGenerator<SourceEntry, void, undefined> {
  const asked = [manifest && '"manifest"', keepOwners && '"owner"', followSymlinks && '"followSymlinks"']
  const needless = asked.find((key) => typeof key === 'string')
  if (needless !== undefined) {
    throw new UnsupportedError(`${path}: ${needless} needs a machine with files: give a tar archive instead`)
  }
  const origin = { source: path }
  const metadata = (mode: number, mtime = time): EntryMetadata => ({ mode, uid: 0, gid: 0, mtime })
  const walk = function* (folder: Folder, at: ByteString): Generator<SourceEntry> {
    yield { path: at, type: 'directory', origin, ...metadata(0o755) }
    for (const [name, child] of [...folder.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const below: ByteString = at === '' ? name : `${at}/${name}`
      const isFile = child instanceof Blob
      if (leavesOut(below, !isFile)) continue
      if (!isFile) yield* walk(child, below)
      else {
        yield {
          ...{ path: below, type: 'file', origin, ...metadata(0o644, modifiedTime(child)) },
          ...{ size: child.size, content: blobContent(child, `${path}: ${toDisplay(below)}`) },
          repeatable: true,
        }
      }
    }
  }
  yield* walk(folderOf(given.folder(path), path), '')
}

/** @throws InputError when a file has the name of a folder */
function folderOf(files: ReadonlyMap<string, Blob>, source: string): Folder {
  const root: Folder = { children: new Map() }
  for (const [path, blob] of files) {
    const names = path.split('/').map(fromText)
    const last = names.pop()!
    let folder = root
    for (const name of names) {
      let child = folder.children.get(name)
      if (child === undefined) folder.children.set(name, (child = { children: new Map() }))
      if (child instanceof Blob) throw bothAt(path, source)
      folder = child
    }
    if (folder.children.has(last)) throw bothAt(path, source)
    folder.children.set(last, blob)
  }
  return root
}

function bothAt(entry: string, source: string): InputError {
  return new InputError('there is a file and a folder of the same name', { source, entry })
}

async function* openFiles(
  given: GivenFiles,
  { name, time, files }: FilesSourcePlan,
  { signal, count }: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const described = files.map(({ entry }) => entry)
  let next = 0
  for await (const entry of sourceEntries(described, { source: name, time })) {
    signal?.throwIfAborted()
    const { from, entry: wanted } = files[next++]
    if (from === undefined || entry.type !== 'file') {
      yield entry
      continue
    }
    const blob = given.file(from)
    yield {
      ...entry,
      mode: wanted.mode ?? 0o644,
      size: blob.size,
      content: countedContent(blobContent(blob, from), count),
      repeatable: true,
    }
  }
}
