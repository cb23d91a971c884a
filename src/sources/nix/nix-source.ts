/** Sources that bring store paths: from a store, from a binary cache, from an export. */
import { join } from 'node:path'
import { toLatin1 } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { NixClosurePlan } from '../../spec/sources/nix.ts'
import { BinaryCache } from './binary-cache.ts'
import { readPathList, storePathNames } from './closure.ts'
import { readExport, scanExport } from './export-stream.ts'
import { readHostText } from './host-file.ts'
import { Digest, digestedTree, expectDigest } from './nar-digest.ts'
import { FILE_METADATA } from './nar-format.ts'
import { ReferenceScanner } from './references.ts'
import { parseRegistration } from './registration.ts'
import type { StoreRegistry } from './registry.ts'
import { withCountedContent } from '../kinds/counted-content.ts'
import type { OpenContext } from '../kinds/opener.ts'
import { trustedKeys } from './signature.ts'
import { fullStorePath, type StorePathInfo } from './store-path.ts'
import { readStoreTree } from './store-tree.ts'

/** Where the first boot of a NixOS looks for it. */
const REGISTRATION = 'nix-path-registration'

export type NixSourceOptions = Pick<OpenContext, 'count' | 'signal' | 'registry' | 'maxSize'>

/**
 * The entries of store paths below nix/store, in the order of their names, and nix-path-registration behind them when it
 * is asked for. Content is compared with the hashes that are known.
 *
 * @throws InputError when a path is missing, damaged, or another one than its description says
 */
export async function* openNixSource(
  plan: NixClosurePlan,
  options: NixSourceOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  if (plan.from === 'binaryCache') yield* openBinaryCache(plan, options)
  else if (plan.from === 'closureInfo') yield* openClosureInfo(plan, options)
  else yield* openStorePaths(plan, options)
}

/**
 * The entries of what `nix-store --export` has written, below nix/store, and nix-path-registration.
 *
 * @param open gives the stream anew with each call
 */
export async function* openExport(
  open: (isLast: boolean) => AsyncIterable<Uint8Array>,
  source: string,
  { registry }: Pick<NixSourceOptions, 'registry'>,
): AsyncGenerator<SourceEntry, void, undefined> {
  const infos = await scanExport(open(false), source)
  for (const info of infos) registry.add(info, source)
  const text = registry.text(source)
  let i = 0
  for await (const entries of readExport(open(true), source)) {
    // The stream may be another one by now.
    if (i === infos.length) throw new InputError('the file changed while it was read', { source })
    const { path, narHash, narSize } = infos[i++]
    const digest = new Digest()
    yield* inStore(path, digestedTree(entries, digest))
    const expected = { what: 'a NAR', hash: narHash, size: narSize }
    expectDigest(digest, expected, { source, entry: fullStorePath(path) })
  }
  yield registrationEntry(text, source)
}

async function* openBinaryCache(
  { directory, paths, trustedKeys: keys, registration }: NixClosurePlan & { from: 'binaryCache' },
  { count, signal, registry, maxSize }: NixSourceOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  const cache = new BinaryCache(directory, keys && trustedKeys(keys))
  const infos = await cache.closure(await readPathList(paths))
  const text = registration ? registered(infos, registry, directory) : undefined
  for (const info of infos) {
    signal?.throwIfAborted()
    yield* inStore(info.path, cache.read(info, count, maxSize))
  }
  if (text !== undefined) yield registrationEntry(text, directory)
}

async function* openClosureInfo(
  { directory, store, registration }: NixClosurePlan & { from: 'closureInfo' },
  options: NixSourceOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  const list = join(directory, 'store-paths')
  const names = storePathNames(await readPathList({ file: list }), list)
  const source = join(directory, 'registration')
  const infos = parseRegistration(await readHostText(source, { source }), source)
  const known = new Map(infos.map((info) => [info.path, info]))
  for (const path of names) {
    if (!known.has(path)) throw new InputError('is not registered', { source, entry: fullStorePath(path) })
  }
  const listed = new Set(names)
  for (const { path } of infos) {
    if (listed.has(path)) continue
    throw new InputError('is registered, but not among the store paths', {
      source: list,
      entry: fullStorePath(path),
    })
  }
  const text = registration ? registered(infos, options.registry, source) : undefined
  for (const path of names) {
    const { narHash, narSize } = known.get(path)!
    const digest = new Digest()
    yield* inStore(path, digestedTree(readStored(path, store, options), digest))
    const expected = { what: 'a NAR', hash: narHash, size: narSize }
    expectDigest(digest, expected, { source: store, entry: fullStorePath(path) })
  }
  if (text !== undefined) yield registrationEntry(text, source)
}

async function* openStorePaths(
  { paths, store, registration }: NixClosurePlan & { from: 'paths' },
  options: NixSourceOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  const source = 'file' in paths ? paths.file : store
  const names = storePathNames(await readPathList(paths), source)
  for (const path of names) {
    const entries = readStored(path, store, options)
    if (!registration) {
      yield* inStore(path, entries)
      continue
    }
    const scanner = new ReferenceScanner(names)
    const digest = new Digest(scanner)
    yield* inStore(path, digestedTree(entries, digest))
    const { size: narSize } = digest
    const info = { path, narHash: digest.end(), narSize, references: scanner.found, deriver: undefined }
    options.registry.add(info, source)
  }
  if (registration) yield registrationEntry(options.registry.text(source), source)
}

/** The entries of a path of a store that lies somewhere, the root with the path ''. */
function readStored(path: string, store: string, options: NixSourceOptions): AsyncIterable<SourceEntry> {
  const place = { source: store, entry: fullStorePath(path) }
  return withCountedContent(readStoreTree(join(store, path), place), options)
}

function registered(infos: readonly StorePathInfo[], registry: StoreRegistry, source: string): string {
  for (const info of infos) registry.add(info, source)
  return registry.text(source)
}

/** The entries of a store path where they lie in an image. */
async function* inStore(
  path: string,
  entries: AsyncIterable<SourceEntry>,
): AsyncGenerator<SourceEntry, void, undefined> {
  const root = fullStorePath(path).slice(1)
  for await (const entry of entries) {
    yield { ...entry, path: entry.path === '' ? root : `${root}/${toLatin1(entry.path)}` }
  }
}

function registrationEntry(text: string, source: string): SourceEntry {
  const bytes = new TextEncoder().encode(text)
  return {
    ...{ path: REGISTRATION, type: 'file', ...FILE_METADATA, mode: 0o644, origin: { source } },
    size: bytes.length,
    content: {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(bytes)
      },
    },
    repeatable: true,
  }
}
