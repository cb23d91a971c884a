/** A layout in a tar archive: its files are read where they lie in the archive, none is unpacked. */
import type { FileHandle } from 'node:fs/promises'
import { fromText, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { BLOCK } from '../../tar/format.ts'
import { readTarEntries } from '../../tar/read/entries.ts'
import type { Retain } from './directory-files.ts'
import {
  StoredChunks,
  type LayoutFiles,
  type OpenStoredFile,
  type StoredFile,
  type StoredReadOptions,
} from './stored-file.ts'

/** `docker save` before version 25 makes links for layers that several images share. */
type Member =
  | { type: 'file'; start: number; size: number; isSparse: boolean }
  | { type: 'link'; target: ByteString | undefined }
  | { type: 'other' }

const MAX_LINKS = 40

export interface ArchiveFilesOptions extends StoredReadOptions {
  source: string
  retain?: Retain | undefined
}

export class ArchiveFiles implements LayoutFiles {
  readonly source: string
  readonly #handle: FileHandle
  readonly #isKept: boolean
  readonly #members: ReadonlyMap<ByteString, Member>

  private constructor(
    handle: FileHandle,
    members: ReadonlyMap<ByteString, Member>,
    { source, retain }: ArchiveFilesOptions,
  ) {
    this.source = source
    this.#handle = handle
    this.#isKept = retain !== undefined
    this.#members = members
  }

  /**
   * Reads the headers of the archive.
   *
   * @param handle an open tar archive, which is not compressed; it is closed, or handed over, in any case
   */
  static async open(handle: FileHandle, options: ArchiveFilesOptions): Promise<ArchiveFiles> {
    options.retain?.(handle)
    try {
      return new ArchiveFiles(handle, await membersOf(handle, options), options)
    } catch (error) {
      if (options.retain === undefined) await handle.close()
      throw error
    }
  }

  find(path: string): Promise<StoredFile | undefined> {
    const { source } = this
    const fail = (message: string) => Promise.reject(new InputError(message, { source, entry: path }))
    let at: ByteString | undefined = fromText(path)
    for (let links = 0; at !== undefined; links++) {
      const member = this.#members.get(at)
      if (member === undefined) return Promise.resolve(undefined)
      if (member.type === 'other') return fail('expected a file')
      if (member.type === 'file') {
        if (member.isSparse) return fail('it is stored as a sparse file: pack the layout without --sparse')
        return Promise.resolve({ path, size: member.size, open: () => Promise.resolve(this.#open(member)) })
      }
      if (links === MAX_LINKS) return fail('too many links')
      at = member.target
    }
    return fail('a link that leads out of the archive')
  }

  async close(): Promise<void> {
    if (!this.#isKept) await this.#handle.close()
  }

  #open({ start, size }: { start: number; size: number }): OpenStoredFile {
    return {
      handle: this.#handle,
      start,
      size,
      source: this.source,
      keep: () => this.#isKept,
      close: () => Promise.resolve(),
    }
  }
}

async function membersOf(
  handle: FileHandle,
  { source, ...options }: ArchiveFilesOptions,
): Promise<Map<ByteString, Member>> {
  const { size } = await handle.stat()
  const whole = {
    ...{ handle, start: 0, size, source },
    keep: () => true,
    close: () => Promise.resolve(),
  }
  const members = new Map<ByteString, Member>()
  for await (const entry of readTarEntries(new StoredChunks(whole, options, true), source)) {
    const { path, origin } = entry
    if (entry.type === 'file') {
      const start = origin.offset! + BLOCK
      members.set(path, { type: 'file', start, size: entry.size, isSparse: entry.ranges !== undefined })
    } else if (entry.type === 'symlink') {
      members.set(path, { type: 'link', target: targetOf(path, entry.target) })
    } else if (entry.type === 'hardlink') {
      members.set(path, { type: 'link', target: entry.target })
    } else members.set(path, { type: 'other' })
  }
  return members
}

/** The path that a symlink leads to; undefined: it leads out of the archive. */
function targetOf(path: ByteString, target: ByteString): ByteString | undefined {
  if (target.startsWith('/')) return undefined
  const names: ByteString[] = path.split('/').slice(0, -1)
  for (const name of target.split('/')) {
    if (name === '..') {
      if (names.pop() === undefined) return undefined
    } else if (name !== '' && name !== '.') names.push(name)
  }
  return names.join('/')
}
