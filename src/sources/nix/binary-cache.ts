/** A binary cache that is a directory: `.narinfo` files, and compressed NARs. `nix copy --to file://...` makes them. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createBrotliDecompress } from 'node:zlib'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { decompress } from '../decompress.ts'
import { limitExpansion } from '../expansion.ts'
import { through } from '../through.ts'
import { readHostFile, readHostText } from './host-file.ts'
import { withPlace } from '../with-place.ts'
import { verified } from './nar-digest.ts'
import { readNarEntries } from './nar-reader.ts'
import { parseNarInfo, type NarInfo } from './narinfo.ts'
import { isSigned, type TrustedKeys } from './signature.ts'
import {
  fullStorePath,
  hashPartOf,
  isHashPart,
  isStorePathName,
  STORE_DIR,
  storePathName,
} from './store-path.ts'

/** A binary cache in a directory. */
export class BinaryCache {
  readonly #directory: string
  readonly #keys: TrustedKeys | undefined
  readonly #infos = new Map<string, NarInfo>()

  /** @param keys each path must be signed by one of them; undefined: signatures are not verified */
  constructor(directory: string, keys: TrustedKeys | undefined) {
    this.#directory = directory
    this.#keys = keys
  }

  /**
   * The store paths that are asked for and all that they refer to, in the order of their names.
   *
   * @param asked each a store path, its hash, or its name without the hash
   * @throws InputError when something is not in the cache, is for another store, contradicts itself, or is not signed
   */
  async closure(asked: readonly string[]): Promise<NarInfo[]> {
    await this.#checkStore()
    const source = this.#directory
    if (asked.length === 0) throw new InputError('expected store paths, found none', { source })
    const closure = new Map<string, NarInfo>()
    const open: { path: string; from?: string }[] = []
    for (const path of asked) open.push({ path: await this.#resolve(path) })
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { path, from } = next
      if (closure.has(path)) continue
      const info = await this.#infoOf(hashPartOf(path))
      if (info === undefined) {
        const message =
          from === undefined
            ? 'is not in the cache'
            : `is not in the cache, and ${fullStorePath(from)} refers to it`
        throw new InputError(message, { source, entry: fullStorePath(path) })
      }
      if (info.path !== path) {
        const found = `found ${fullStorePath(info.path)} with the same hash`
        throw new InputError(`is not in the cache: ${found}`, { source, entry: fullStorePath(path) })
      }
      if (this.#keys !== undefined && !isSigned(info, info.signatures, this.#keys)) {
        throw new InputError('is not signed by a trusted key', { source, entry: fullStorePath(path) })
      }
      closure.set(path, info)
      for (const reference of info.references) open.push({ path: reference, from: path })
    }
    return [...closure.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /**
   * The entries of a store path, the root with the path ''.
   *
   * @param count sees the bytes of the file as they lie there
   * @param maxSize bytes that it may expand to; undefined: see limitExpansion
   * @throws InputError when the file or its NAR is damaged or another one than the cache promises
   */
  async *read(
    info: NarInfo,
    count: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
    maxSize: number | undefined,
  ): AsyncGenerator<SourceEntry, void, undefined> {
    const source = join(this.#directory, info.url)
    const place = { source, entry: fullStorePath(info.path) }
    const { compression, fileHash, fileSize, narHash, narSize } = info
    const file = { what: 'a file', hash: fileHash, size: fileSize }
    const stored = verified(count(readHostFile(source, { source })), file, place)
    const expansion = { maxSize }
    const plain =
      compression === 'br'
        ? decompressBrotli(stored, source, expansion)
        : decompress(stored, source, { expansion })
    const nar = verified(plain, { what: 'a NAR', hash: narHash, size: narSize }, place)
    yield* readNarEntries(nar, source)
  }

  async #checkStore(): Promise<void> {
    const source = join(this.#directory, 'nix-cache-info')
    const text = await readIfThere(source)
    const [, store] = /^StoreDir: *(.*?)\s*$/m.exec(text ?? '') ?? []
    if (store === undefined || store === STORE_DIR) return
    throw new InputError(`expected a cache for ${STORE_DIR}, found one for ${JSON.stringify(store)}`, {
      source,
    })
  }

  /** The name, hash included, of a store path that is asked for. */
  async #resolve(asked: string): Promise<string> {
    const source = this.#directory
    const path = storePathName(asked) ?? (isStorePathName(asked) ? asked : undefined)
    if (path !== undefined) return path
    if (isHashPart(asked)) {
      const info = await this.#infoOf(asked)
      if (info !== undefined) return info.path
      throw new InputError(`no store path in the cache has the hash ${JSON.stringify(asked)}`, { source })
    }
    const files = await withPlace({ source }, () => readdir(source))
    const found: string[] = []
    for (const file of files.filter((file) => file.endsWith('.narinfo')).sort()) {
      const info = await this.#infoOf(file.slice(0, -'.narinfo'.length))
      if (info?.path.slice(hashPartOf(info.path).length + 1) === asked) found.push(info.path)
    }
    if (found.length === 1) return found[0]
    throw new InputError(
      found.length === 0
        ? `no store path in the cache has the name ${JSON.stringify(asked)}`
        : `several store paths have the name ${JSON.stringify(asked)}: ${found.map(fullStorePath).join(', ')}`,
      { source },
    )
  }

  async #infoOf(hash: string): Promise<NarInfo | undefined> {
    const known = this.#infos.get(hash)
    if (known !== undefined) return known
    const source = join(this.#directory, `${hash}.narinfo`)
    const text = await readIfThere(source)
    if (text === undefined) return undefined
    const info = parseNarInfo(text, source)
    if (hashPartOf(info.path) !== hash) {
      throw new InputError(`expected a StorePath with the hash ${hash}, found ${fullStorePath(info.path)}`, {
        source,
      })
    }
    this.#infos.set(hash, info)
    return info
  }
}

/** A small text; undefined when there is no such file. */
async function readIfThere(source: string): Promise<string | undefined> {
  try {
    return await readHostText(source, { source })
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Brotli has no magic number: only the cache's word says that it is one. */
async function* decompressBrotli(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
  { maxSize }: { maxSize: number | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  let compressed = 0
  const counted = async function* () {
    for await (const chunk of chunks) {
      compressed += chunk.length
      yield chunk
    }
  }
  const content = through(createBrotliDecompress(), counted())
  try {
    yield* limitExpansion(content, { source, compressed: () => compressed, maxSize })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof InputError) throw error
    throw new InputError(`damaged or truncated brotli data: ${error.message}`, { source }, { cause: error })
  }
}
