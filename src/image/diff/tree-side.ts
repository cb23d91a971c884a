import type { DirectoryEntry, FileSystemReader, Inode, InodeRef } from '../../file-tree/reader.ts'
import { FirstNames, InodeSet, severalNames, soundList } from '../../file-tree/walk.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import { driveWith, type Drive } from '../drive-source.ts'

/** One of two trees that are compared. */
export class TreeSide {
  readonly reader: FileSystemReader
  readonly drive: Drive
  readonly #directories = new InodeSet()
  readonly #firstNames = new FirstNames()

  constructor({ reader, source }: { reader: FileSystemReader; source: ByteSource }) {
    this.reader = reader
    this.drive = driveWith(source)
  }

  /** The entries of a directory in the order of their names. */
  async list(directory: InodeRef, path: ByteString): Promise<DirectoryEntry[]> {
    const entries = await this.drive(soundList(this.reader, directory, path))
    if (entries.length > 0 && !this.#directories.add(directory)) throw severalNames(path, directory)
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** An earlier name of the same inode. */
  earlierName(path: ByteString, inode: Inode): ByteString | undefined {
    return this.#firstNames.earlier(path, inode)
  }
}
