/** The names of a subvolume: which inode each directory has under which name. */
import type { InodeRef, InodeType } from '../../../file-tree/reader.ts'
import type { ByteString } from '../../../lib/byte-string.ts'
import { CorruptError } from '../../../lib/errors.ts'
import type { ReadRoutine } from '../../../lib/read-routine.ts'
import { FIRST_FREE_OBJECTID } from '../../format.ts'
import type { BtrfsReader } from '../../read/reader.ts'

/** Inode of the root directory. */
export const ROOT_INO = FIRST_FREE_OBJECTID

/** Where a name lies. */
export interface NamePlace {
  /** Inode of the directory. */
  directory: number
  name: ByteString
}

export interface NamedInode {
  type: InodeType
  /** In the order in which the walk comes to them; none for the root. */
  names: NamePlace[]
  /** Of a directory, in its own order. */
  children: Map<ByteString, number>
}

const NO_CHILDREN = new Map<ByteString, number>()

/**
 * All names of a subvolume. What lies in other subvolumes is no part of it.
 *
 * @throws CorruptError when a directory has two names
 */
export function* namesOf(reader: BtrfsReader, root: InodeRef): ReadRoutine<Map<number, NamedInode>> {
  const { tree } = root
  const inodes = new Map<number, NamedInode>([
    [ROOT_INO, { type: 'directory', names: [], children: new Map() }],
  ])
  const open = [ROOT_INO]
  for (let i = 0; i < open.length; i++) {
    const directory = open[i]
    const { children } = inodes.get(directory)!
    for (const entry of yield* reader.list({ tree, ino: directory })) {
      const { name, ino, type } = entry
      if (entry.tree !== tree || ino < ROOT_INO) continue
      children.set(name, ino)
      const known = inodes.get(ino)
      if (known === undefined) {
        const isDirectory = type === 'directory'
        inodes.set(ino, {
          type,
          names: [{ directory, name }],
          children: isDirectory ? new Map<ByteString, number>() : NO_CHILDREN,
        })
        if (isDirectory) open.push(ino)
      } else {
        if (known.type === 'directory' || known.type !== type) {
          const found = 'another one'
          throw new CorruptError(`inode ${ino} of tree ${tree}`, 0, {
            expected: 'one name of a directory',
            found,
          })
        }
        known.names.push({ directory, name })
      }
    }
  }
  return inodes
}
