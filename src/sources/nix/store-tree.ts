/** Store paths, read where a store has them. */
import { Buffer } from 'node:buffer'
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs'
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { FILES_A_TURN } from '../host-file.ts'
import { readHostFile } from './host-file.ts'
import { yieldToEventLoop } from '../../lib/yield.ts'
import { withPlaceSync, type HostPlace } from '../with-place.ts'
import { DIRECTORY_METADATA, EXECUTABLE_METADATA, FILE_METADATA, SYMLINK_METADATA } from './nar-format.ts'

/**
 * The entries of a store path, as its NAR has them: the root with the path '', names in the order of their bytes, every
 * file in full although the store's optimiser may have linked it to another one, and the metadata of a store.
 *
 * @param host the directory, file or symlink
 * @param place for messages: of the store path; those of entries begin with its `entry`
 * @throws InputError when something cannot be read, changes meanwhile, or has no place in a store
 */
export async function* readStoreTree(
  host: string,
  place: Required<HostPlace>,
): AsyncGenerator<SourceEntry, void, undefined> {
  // Paths still to do, the next one last.
  const open: { path: ByteString; host: Buffer }[] = [{ path: '', host: Buffer.from(host) }]
  let entries = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (++entries % FILES_A_TURN === 0) await yieldToEventLoop()
    const { path, host } = next
    const where = {
      source: place.source,
      entry: path === '' ? place.entry : `${place.entry}/${toDisplay(path)}`,
    }
    const stats = withPlaceSync(where, () => lstatSync(host, { bigint: true }))
    const entry = readNode(path, host, stats, where)
    yield entry
    if (entry.type !== 'directory') continue
    const names = withPlaceSync(where, () => readdirSync(host, { encoding: 'buffer' }))
    for (const name of names.sort((a, b) => Buffer.compare(b, a))) {
      const below = fromBytes(name)
      open.push({
        path: path === '' ? below : `${path as string}/${below as string}`,
        host: Buffer.concat([host, Buffer.from('/'), name]),
      })
    }
  }
}

function readNode(
  path: ByteString,
  host: Buffer,
  stats: BigIntStats,
  where: Required<HostPlace>,
): SourceEntry {
  const common = { path, origin: { source: where.source } }
  if (stats.isDirectory()) return { ...common, type: 'directory', ...DIRECTORY_METADATA }
  if (stats.isSymbolicLink()) {
    const target = withPlaceSync(where, () => readlinkSync(host, { encoding: 'buffer' }))
    return { ...common, type: 'symlink', ...SYMLINK_METADATA, target: fromBytes(target) }
  }
  if (!stats.isFile()) {
    throw new InputError('a device, a fifo or a socket: a Nix store has none', where)
  }
  const size = Number(stats.size)
  const content = {
    [Symbol.asyncIterator]: () => readHostFile(host, where, { size, followSymlinks: false }),
  }
  const metadata = (stats.mode & 0o100n) === 0n ? FILE_METADATA : EXECUTABLE_METADATA
  return { ...common, type: 'file', ...metadata, size, content, repeatable: true }
}
