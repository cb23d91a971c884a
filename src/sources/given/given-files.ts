/** Files that a program hands over by the names that a description has for them, where there is no file system. */
import { InputError } from '../../lib/errors.ts'
import type { Timestamp } from '../../file-tree/entry.ts'

/** Blobs, Files or bytes, by the paths that the description has for them. */
export type NamedFiles = Readonly<Record<string, Blob | Uint8Array>>

const READ_SIZE = 1 << 20

export class GivenFiles {
  readonly #files: ReadonlyMap<string, Blob>

  constructor(files: NamedFiles) {
    const blobOf = (file: Blob | Uint8Array) =>
      file instanceof Blob ? file : new Blob([new Uint8Array(file)])
    this.#files = new Map(Object.entries(files).map(([path, file]) => [normalPath(path), blobOf(file)]))
  }

  /** @throws InputError when there is none */
  file(path: string): Blob {
    const file = this.#files.get(normalPath(path))
    if (file !== undefined) return file
    const names = [...this.#files.keys()].map((name) => JSON.stringify(name)).join(', ')
    const found = names === '' ? 'no files' : names
    throw new InputError(`no file of this name was given: found ${found}`, { source: path })
  }

  /**
   * The files below a folder, by their paths in it.
   *
   * @throws InputError when there is none
   */
  folder(path: string): ReadonlyMap<string, Blob> {
    const normal = normalPath(path)
    const start = normal === '' ? '' : `${normal}/`
    const below = [...this.#files].filter(([name]) => name.startsWith(start))
    if (below.length > 0) return new Map(below.map(([name, file]) => [name.slice(start.length), file]))
    throw new InputError(`no files of this folder were given: expected names that begin with ${path}/`, {
      source: path,
    })
  }
}

/** Without `.`, `..` and what is superfluous. */
function normalPath(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names.join('/')
}

/** The content of a file, front to back, as often as it is asked for. */
export function blobContent(blob: Blob, source: string): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < blob.size; at += READ_SIZE) yield await readBlob(blob, source, at, READ_SIZE)
    },
  }
}

/**
 * Part of a file.
 *
 * @throws InputError when it cannot be read: it has changed since it was chosen
 */
export async function readBlob(
  blob: Blob,
  source: string,
  offset = 0,
  length = blob.size,
): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
  } catch (error) {
    throw new InputError((error as Error).message, { source }, { cause: error })
  }
}

/** When a file was modified, in whole milliseconds; undefined for what is no File. */
export function modifiedTime(blob: Blob): Timestamp | undefined {
  const { lastModified } = blob as Partial<File>
  if (typeof lastModified !== 'number') return undefined
  const sec = Math.floor(lastModified / 1000)
  return { sec, nsec: (lastModified - sec * 1000) * 1_000_000 }
}
