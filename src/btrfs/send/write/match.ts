/** Finds out which inodes of a subvolume are those of another one. */
import type { BtrfsInode } from '../../read/open-inode.ts'
import type { BtrfsReader } from '../../read/reader.ts'
import type { Subvolume } from '../../read/subvolumes.ts'
import type { ReadRoutine } from '../../../lib/read-routine.ts'
import { equalBytes } from '../../../lib/equal-bytes.ts'
import { ROOT_INO, type NamedInode } from './names.ts'

/** A subvolume with its names. */
export interface NamedSubvolume {
  subvolume: Subvolume
  inodes: ReadonlyMap<number, NamedInode>
}

/** Whether both come from one subvolume, so that inodes of one number have one origin. */
function areRelated(a: Subvolume, b: Subvolume): boolean {
  const isSame = (one: Uint8Array, other: Uint8Array) =>
    one.some((byte) => byte !== 0) && equalBytes(one, other)
  return isSame(a.parentUuid, b.parentUuid) || isSame(a.parentUuid, b.uuid) || isSame(b.parentUuid, a.uuid)
}

/**
 * For inodes of a subvolume those of its parent that they are made of: of snapshots those of the same numbers, and otherwise
 * those of the same paths. What cannot be changed is the same in both.
 */
export function* matchInodes(
  reader: BtrfsReader,
  sent: NamedSubvolume,
  parent: NamedSubvolume,
): ReadRoutine<Map<number, number>> {
  const matches = new Map<number, number>()
  const candidates = areRelated(sent.subvolume, parent.subvolume)
    ? byNumber(sent, parent)
    : byPath(sent, parent)
  for (const [ino, other] of candidates) {
    const { type } = sent.inodes.get(ino)!
    if (type !== parent.inodes.get(other)!.type) continue
    if (type === 'symlink' || type === 'block' || type === 'character') {
      const a = yield* reader.open({ tree: sent.subvolume.id, ino })
      const b = yield* reader.open({ tree: parent.subvolume.id, ino: other })
      if (!(yield* isFixedSame(a, b))) continue
    }
    matches.set(ino, other)
  }
  return matches
}

function* byNumber(sent: NamedSubvolume, parent: NamedSubvolume): Generator<[number, number]> {
  for (const ino of sent.inodes.keys()) if (parent.inodes.has(ino)) yield [ino, ino]
}

function* byPath(sent: NamedSubvolume, parent: NamedSubvolume): Generator<[number, number]> {
  yield [ROOT_INO, ROOT_INO]
  const taken = new Set<number>()
  const used = new Set<number>()
  const open: [number, number][] = [[ROOT_INO, ROOT_INO]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const others = parent.inodes.get(next[1])!.children
    for (const [name, ino] of sent.inodes.get(next[0])!.children) {
      const other = others.get(name)
      if (other === undefined || taken.has(ino) || used.has(other)) continue
      taken.add(ino)
      used.add(other)
      yield [ino, other]
      const isDirectory = sent.inodes.get(ino)!.type === 'directory'
      if (isDirectory && parent.inodes.get(other)!.type === 'directory') open.push([ino, other])
    }
  }
}

/** Whether what no command can change is the same. */
function* isFixedSame(a: BtrfsInode, b: BtrfsInode): ReadRoutine<boolean> {
  if (a.inode.type === 'symlink') return (yield* a.target()) === (yield* b.target())
  return a.inode.major === b.inode.major && a.inode.minor === b.inode.minor
}
