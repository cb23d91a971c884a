/** Writes NARs, as `nix-store --dump` does. */
import { toBytes, toDisplay, toLatin1, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { NAR_MAGIC, narLength, narPadding, narString } from './nar-format.ts'

const words = (...texts: string[]): string => texts.map((text) => toLatin1(narString(text))).join('')

const MAGIC = words(NAR_MAGIC)
const ENTRY = words('entry', '(', 'name')
const NODE = words('node')
const DIRECTORY = words('(', 'type', 'directory')
const SYMLINK = words('(', 'type', 'symlink', 'target')
const REGULAR = words('(', 'type', 'regular')
const EXECUTABLE = words('executable', '')
const CONTENTS = words('contents')
const END = words(')')

/**
 * The NAR of a tree whose entries come one by one: the root first, a directory before what it holds, and names in the
 * order of their bytes. The content of files goes between `begin` and `endFile`.
 */
export class NarEncoder {
  /** Directories on the way to the last entry, the root's path first. */
  readonly #open: ByteString[] = []

  /**
   * The bytes before the content of a file, or all of another entry but its end.
   *
   * @param entry its path is '' for the root
   * @throws InputError for what Nix has no word for: devices, fifos, sockets, hard links
   */
  begin(entry: SourceEntry): Uint8Array {
    const { path } = entry
    let text = path === '' ? MAGIC : this.#closeUpTo(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    if (path !== '') text += ENTRY + toLatin1(narString(path.slice(path.lastIndexOf('/') + 1))) + NODE
    if (entry.type === 'directory') {
      text += DIRECTORY
      this.#open.push(path)
    } else if (entry.type === 'symlink') {
      text += SYMLINK + toLatin1(narString(entry.target)) + END + (path === '' ? '' : END)
    } else if (entry.type === 'file') {
      text += REGULAR + (entry.mode & 0o100 ? EXECUTABLE : '') + CONTENTS + toLatin1(narLength(entry.size))
    } else {
      throw new InputError(`a ${entry.type}: a Nix store has only files, directories and symlinks`, {
        source: entry.origin.source,
        entry: toDisplay(path),
      })
    }
    return toBytes(text)
  }

  /** The bytes behind the content of the last entry, a file. */
  endFile({ path, size }: { path: ByteString; size: number }): Uint8Array {
    return toBytes('\0'.repeat(narPadding(size)) + END + (path === '' ? '' : END))
  }

  /** The bytes behind the last entry. */
  end(): Uint8Array {
    let text = ''
    while (this.#open.length > 0) text += this.#close()
    return toBytes(text)
  }

  #closeUpTo(parent: ByteString): string {
    let text = ''
    while (this.#open.at(-1) !== parent) {
      if (this.#open.length === 0) throw new Error(`${toDisplay(parent)} was left, or never began`)
      text += this.#close()
    }
    return text
  }

  #close(): string {
    return this.#open.pop() === '' ? END : END + END
  }
}

/** The first bytes of every NAR. */
export const NAR_START = toBytes(MAGIC)

/** Whether bytes are the beginning of a NAR, or all of it that is there. */
export function isNarStart(bytes: Uint8Array): boolean {
  return bytes.subarray(0, NAR_START.length).every((byte, i) => byte === NAR_START[i])
}
