import { createHash } from 'node:crypto'
import { type ByteString, toDisplay } from '../../src/lib/byte-string.ts'
import type { Timestamp, Xattr } from '../../src/file-tree/entry.ts'

/**
 * The expected entries of a tree, independent of formats and sources. Fields that are undefined are not compared,
 * except `xattrs` and `linkGroup`, whose absence means none.
 */
export interface ExpectedEntry {
  /** Below the root of the subvolume; '' is the root itself. */
  path: ByteString
  type: 'directory' | 'file' | 'symlink' | 'fifo' | 'socket' | 'block' | 'character'
  mode?: number
  uid?: number
  gid?: number
  mtime?: Timestamp
  atime?: Timestamp
  ctime?: Timestamp
  /** Files only, in bytes. */
  size?: number
  /** Files: their content, or the hexadecimal SHA-256 of it. */
  content?: Uint8Array
  sha256?: string
  /** Symlinks only. */
  target?: ByteString
  major?: number
  minor?: number
  /** All of them, in any order; 'unknown' leaves them uncompared. */
  xattrs?: readonly Xattr[] | 'unknown'
  /** Entries of one subvolume with the same group are names of one inode; without a group, its only name. */
  linkGroup?: string
  /** Whether the file or directory carries the NOCOW flag. */
  nodatacow?: boolean
  /** Of a file or directory: all of `append`, `immutable`, `noatime`, `nodump`, `sync` that it has, in this order. */
  flags?: readonly string[]
  /**
   * An empty directory that the kernel makes up, in a snapshot, where a subvolume lies in its source. Other readers
   * follow the entry to that subvolume.
   */
  madeUp?: boolean
}

/** By the name of the subvolume; '' is the top level. */
export type ExpectedTrees = ReadonlyMap<string, readonly ExpectedEntry[]>

/** An entry as `walk.py` reports it. */
export interface FoundEntry {
  path: ByteString
  type: ExpectedEntry['type'] | 'subvolume'
  mode: number
  uid: number
  gid: number
  mtime: [sec: number, nsec: number]
  atime: [sec: number, nsec: number]
  ctime: [sec: number, nsec: number]
  ino: number
  nlink: number
  xattrs?: [name: ByteString, value: ByteString][]
  size?: number
  sha256?: string
  target?: ByteString
  major?: number
  minor?: number
  nodatacow?: boolean
  flags?: string[]
}

type Report = (path: ByteString, what: string, expected: unknown, found: unknown) => void

const octal = (mode: number | undefined) => mode?.toString(8).padStart(4, '0')
const seconds = ([sec, nsec]: readonly [number, number]) => `${sec}.${String(nsec).padStart(9, '0')}`

function hexText(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('hex')
}

function compareXattrs(expected: ExpectedEntry, found: FoundEntry, report: Report): void {
  if (expected.xattrs === 'unknown') return
  const left = new Map((found.xattrs ?? []).map(([name, value]) => [name, hexText(value)]))
  for (const { name, value } of expected.xattrs ?? []) {
    const wanted = Buffer.from(value).toString('hex')
    const got = left.get(name)
    left.delete(name)
    if (wanted !== got) report(expected.path, `xattr ${toDisplay(name)}`, wanted, got)
  }
  for (const [name, value] of left) report(expected.path, `xattr ${toDisplay(name)}`, undefined, value)
}

function compareEntry(expected: ExpectedEntry, found: FoundEntry, report: Report): void {
  const { path } = expected
  if (expected.type !== found.type) return report(path, 'type', expected.type, found.type)
  const check = (what: string, wanted: unknown, got: unknown) => {
    if (wanted !== undefined && wanted !== got) report(path, what, wanted, got)
  }
  check('mode', octal(expected.mode), octal(found.mode))
  check('uid', expected.uid, found.uid)
  check('gid', expected.gid, found.gid)
  for (const time of ['mtime', 'atime', 'ctime'] as const) {
    const wanted = expected[time]
    if (wanted) check(time, seconds([wanted.sec, wanted.nsec]), seconds(found[time]))
  }
  check('major', expected.major, found.major)
  check('minor', expected.minor, found.minor)
  check('nodatacow', expected.nodatacow, found.nodatacow)
  check('flags', expected.flags?.join(), found.flags?.join())
  if (expected.type === 'symlink') {
    check('target', expected.target, found.target)
    check('size of the symlink', found.target?.length, found.size)
  }
  if (expected.type === 'file') {
    check('size', expected.content?.length ?? expected.size, found.size)
    const sha256 = expected.content
      ? createHash('sha256').update(expected.content).digest('hex')
      : expected.sha256
    check('sha256', sha256, found.sha256)
  }
  compareXattrs(expected, found, report)
}

/** Names of one inode must be exactly the names that were expected to be. */
function compareLinks(
  expected: readonly ExpectedEntry[],
  found: ReadonlyMap<ByteString, FoundEntry>,
  report: Report,
): void {
  const groups = new Map<string, ExpectedEntry[]>()
  for (const entry of expected) {
    if (entry.linkGroup === undefined) continue
    const group = groups.get(entry.linkGroup)
    if (group) group.push(entry)
    else groups.set(entry.linkGroup, [entry])
  }
  const inodeOwner = new Map<number, string>()
  for (const entry of expected) {
    const got = found.get(entry.path)
    if (!got || got.type === 'subvolume' || got.type === 'directory') continue
    const group = entry.linkGroup === undefined ? [entry] : groups.get(entry.linkGroup)!
    if (got.nlink !== group.length) report(entry.path, 'link count', group.length, got.nlink)
    const owner = entry.linkGroup === undefined ? `path ${entry.path}` : `group ${entry.linkGroup}`
    const known = inodeOwner.get(got.ino)
    if (known === undefined) inodeOwner.set(got.ino, owner)
    else if (known !== owner) report(entry.path, `inode ${got.ino}`, owner, known)
    const first = found.get(group[0].path)
    if (first && first.ino !== got.ino) {
      report(entry.path, `inode of ${toDisplay(group[0].path)}`, first.ino, got.ino)
    }
  }
}

/** Every way in which the two trees differ, one line each. */
export function compareTree(
  where: string,
  expected: readonly ExpectedEntry[],
  found: readonly FoundEntry[],
  subvolumes: ReadonlySet<ByteString> = new Set(),
): string[] {
  const differences: string[] = []
  const report: Report = (path, what, wanted, got) =>
    differences.push(
      `${where}: ${toDisplay(path) || '(root)'}: ${what}: expected ${String(wanted)}, found ${String(got)}`,
    )

  const byPath = new Map<ByteString, FoundEntry>()
  for (const entry of found) {
    if (byPath.has(entry.path)) report(entry.path, 'entry', 'once', 'twice')
    byPath.set(entry.path, entry)
  }
  const wantedPaths = new Set<ByteString>()
  for (const entry of expected) {
    if (wantedPaths.has(entry.path)) throw new Error(`expected twice: ${where}: ${toDisplay(entry.path)}`)
    wantedPaths.add(entry.path)
    const got = byPath.get(entry.path)
    if (got) compareEntry(entry, got, report)
    else report(entry.path, 'entry', entry.type, 'nothing')
  }
  for (const path of subvolumes) {
    const got = byPath.get(path)
    if (got?.type !== 'subvolume') report(path, 'entry', 'a subvolume', got?.type ?? 'nothing')
  }
  for (const { path, type } of found) {
    if (path !== '' && !wantedPaths.has(path) && !subvolumes.has(path)) report(path, 'entry', 'nothing', type)
  }
  compareLinks(expected, byPath, report)
  return differences
}

const SHOWN = 40

/** @throws Error that lists the differences, when there are any */
export function refuseDifferences(differences: readonly string[]): void {
  if (differences.length === 0) return
  const more = differences.length > SHOWN ? `\n... and ${differences.length - SHOWN} more` : ''
  throw new Error(`${differences.length} differences:\n${differences.slice(0, SHOWN).join('\n')}${more}`)
}
