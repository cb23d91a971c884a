/**
 * Streams of `nix-store --export`: for each store path the number 1, its NAR, and what is known of it; then the number 0.
 * (export-import.cc) The name of a path follows its content, so the stream is read twice.
 */
import { LENGTH } from './nar-format.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { InputError } from '../../lib/errors.ts'
import { toDisplay, toLatin1 } from '../../lib/byte-string.ts'
import { Digest, digestedTree } from './nar-digest.ts'
import { isNarStart } from './nar-encoder.ts'
import { NarReader } from './nar-reader.ts'
import { storePathName, type StorePathInfo } from './store-path.ts'

/** "NIXE" (exportMagic) */
const EXPORT_MAGIC = 0x4558494e
const MAX_PATH = 1024
const MAX_REFERENCES = 10_000_000
const MAX_SIGNATURE = 65536

/** Whether bytes are the beginning of such a stream, which may be an empty one. */
export function isExportStart(bytes: Uint8Array): boolean {
  const isNumber = bytes.length >= LENGTH && bytes.subarray(1, LENGTH).every((byte) => byte === 0)
  return (
    isNumber &&
    (bytes[0] === 1 ? isNarStart(bytes.subarray(LENGTH)) : bytes[0] === 0 && bytes.length === LENGTH)
  )
}

/** What a stream says of its store paths, in its order. @throws InputError when it is damaged or truncated */
export async function scanExport(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): Promise<StorePathInfo[]> {
  const infos: StorePathInfo[] = []
  const reader = new ExportReader(chunks, source)
  try {
    while (await reader.hasNext()) {
      const digest = new Digest()
      const entries = digestedTree(reader.entries(), digest)
      while (!(await entries.next()).done);
      const rest = await reader.trailer()
      infos.push({ ...rest, narHash: digest.end(), narSize: digest.size })
    }
  } finally {
    await reader.close()
  }
  return infos
}

/** The same stream again: store path by store path, the root of each with the path ''. */
export async function* readExport(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<AsyncIterable<SourceEntry>, void, undefined> {
  const reader = new ExportReader(chunks, source)
  try {
    while (await reader.hasNext()) {
      yield reader.entries()
      await reader.trailer()
    }
  } finally {
    await reader.close()
  }
}

class ExportReader {
  readonly #reader: NarReader
  readonly #source: string

  constructor(chunks: AsyncIterable<Uint8Array>, source: string) {
    this.#reader = new NarReader(chunks, source)
    this.#source = source
  }

  async hasNext(): Promise<boolean> {
    if ((await this.#number('a mark before a store path or the end', 1)) === 1) return true
    await this.#reader.expectEnd()
    return false
  }

  entries(): AsyncIterable<SourceEntry> {
    return this.#reader.entries()
  }

  /** What follows a NAR. */
  async trailer(): Promise<Omit<StorePathInfo, 'narHash' | 'narSize'>> {
    const { offset } = this.#reader
    const magic = await this.#number('the mark after a NAR')
    if (magic !== EXPORT_MAGIC)
      throw this.#fail(`expected ${EXPORT_MAGIC} after a NAR, found ${magic}`, offset)
    const path = await this.#path('a store path')
    const references: string[] = []
    const count = await this.#number('the number of references', MAX_REFERENCES)
    while (references.length < count) references.push((await this.#path('a reference'))!)
    const deriver = await this.#path('a deriver', true)
    if ((await this.#number('a mark before a signature', 1)) === 1) {
      await this.#string('a signature', MAX_SIGNATURE)
    }
    return { path: path!, references, deriver }
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async #number(what: string, max?: number): Promise<number> {
    await this.#reader.need(LENGTH)
    return this.#reader.number(what, max)
  }

  async #string(what: string, max: number): Promise<string> {
    await this.#reader.need(LENGTH + max + LENGTH)
    return toLatin1(this.#reader.string(what, max))
  }

  async #path(what: string, mayLack = false): Promise<string | undefined> {
    const { offset } = this.#reader
    const text = await this.#string(what, MAX_PATH)
    const path = storePathName(text)
    if (path !== undefined || (mayLack && text === '')) return path
    throw this.#fail(`expected ${what}, found ${JSON.stringify(toDisplay(text))}`, offset)
  }

  #fail(message: string, offset: number): InputError {
    return new InputError(message, { source: this.#source, offset })
  }
}
