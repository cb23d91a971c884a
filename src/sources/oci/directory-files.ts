/** A layout that is a directory of this machine. */
import type { Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../../lib/errors.ts'
import { READ_FLAGS } from '../archive-chunks.ts'
import { withPlace } from '../with-place.ts'
import type { LayoutFiles, OpenStoredFile, StoredFile } from './stored-file.ts'

/** Takes open files over. */
export type Retain = (file: FileHandle) => void

export class DirectoryFiles implements LayoutFiles {
  readonly source: string
  readonly #retain: Retain | undefined

  constructor(path: string, retain: Retain | undefined) {
    this.source = path
    this.#retain = retain
  }

  async find(path: string): Promise<StoredFile | undefined> {
    const { source } = this
    let stats: Stats
    try {
      stats = await stat(join(source, path))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new InputError(message, { source, entry: path }, { cause: error })
    }
    if (!stats.isFile()) throw new InputError('expected a file', { source, entry: path })
    return { path, size: stats.size, open: () => this.#open(path, stats) }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #open(path: string, { ino, size, mtimeMs, ctimeMs }: Stats): Promise<OpenStoredFile> {
    const host = join(this.source, path)
    const handle = await withPlace({ source: this.source, entry: path }, () => open(host, READ_FLAGS))
    const now = await handle.stat()
    if (now.ino !== ino || now.size !== size || now.mtimeMs !== mtimeMs || now.ctimeMs !== ctimeMs) {
      await handle.close()
      throw new InputError('the file changed while the image was read', { source: this.source, entry: path })
    }
    let isKept = false
    return {
      handle,
      start: 0,
      size,
      source: host,
      keep: () => {
        if (this.#retain !== undefined && !isKept) {
          this.#retain(handle)
          isKept = true
        }
        return isKept
      },
      close: async () => {
        if (!isKept) await handle.close()
      },
    }
  }
}
