import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import { readFileSync, renameSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { type ByteString, fromText } from '../../src/lib/byte-string.ts'
import type { ExpectedEntry, ExpectedTrees } from './expected.ts'
import { isReadOnly } from './mounted.ts'
import { mustRun } from './run-tool.ts'

/** The folder in the root of every subvolume that holds what the judge makes. */
export const JUDGE_FOLDER = 'diskwright-judge'

const MIB = 2 ** 20
const LARGEST_TO_CHANGE = 64 * MIB

/** Changes that `exercise` made to the entries of one subvolume. */
interface Touched {
  removed: Set<ByteString>
  changedFiles: Map<ByteString, Uint8Array>
  /** Their entries changed, and with them their times. */
  changedDirectories: Set<ByteString>
}

/** Bytes that no compressor and no run of zeros makes smaller, the same in every run. */
export function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed * 2654435761 + 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, length)
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** A spread of entries: the first, the last and some between, each once. */
function some<T>(entries: readonly T[], count: number): T[] {
  const step = Math.max(1, (entries.length - 1) / Math.max(1, count - 1))
  const picked = new Set<T>()
  for (let i = 0; i < count && i * step <= entries.length - 1; i++) picked.add(entries[Math.round(i * step)])
  return [...picked]
}

function writeSynced(path: Buffer, flags: string, write: (fd: number) => void): void {
  const fd = openSync(path, flags)
  try {
    write(fd)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export const sizeOf = (entry: ExpectedEntry) => entry.content?.length ?? entry.size ?? 0

/** Files that can be written to, and nothing else changes. The kernel drops file capabilities on a write, as it should. */
export const plainFile = (entry: ExpectedEntry) =>
  entry.type === 'file' && entry.linkGroup === undefined && (entry.xattrs ?? []).length === 0

/** Deletes, moves and rewrites some of the entries of a subvolume, and writes new ones. */
function disturb(root: Buffer, entries: readonly ExpectedEntry[], seed: number): Touched {
  const at = (path: ByteString) => Buffer.concat([root, Buffer.from(`/${path}`, 'latin1')])
  const touched: Touched = { removed: new Set(), changedFiles: new Map(), changedDirectories: new Set(['']) }
  const used = new Set<ExpectedEntry>()
  const unused = (wanted: (entry: ExpectedEntry) => boolean) =>
    entries.filter((entry) => entry.path !== '' && !used.has(entry) && wanted(entry))
  const remove = (entry: ExpectedEntry) => {
    used.add(entry)
    touched.removed.add(entry.path)
    touched.changedDirectories.add(parentOf(entry.path))
  }

  const folder = fromText(JUDGE_FOLDER)
  mkdirSync(at(folder))
  writeSynced(at(`${folder}/small`), 'wx', (fd) => writeSync(fd, 'a small file\n'))
  writeSynced(at(`${folder}/large`), 'wx', (fd) => writeSync(fd, noise(seed === 1 ? 3 * MIB : 200_000, seed)))
  for (let i = 0; i < 3; i++) {
    writeSynced(at(`${folder}/appended`), 'a', (fd) => writeSync(fd, noise(5000, seed + i)))
  }

  const changeable = unused((entry) => plainFile(entry) && sizeOf(entry) <= LARGEST_TO_CHANGE)
  changeable.sort((a, b) => sizeOf(a) - sizeOf(b))
  some(changeable, 5).forEach((entry, i) => {
    used.add(entry)
    const old = readFileSync(at(entry.path))
    const middle = Math.floor(old.length / 2)
    writeSynced(at(entry.path), 'r+', (fd) => {
      if (i % 2 === 0) {
        const patch = noise(100, seed + i)
        writeSync(fd, patch, 0, patch.length, middle)
        const content = Buffer.alloc(Math.max(old.length, middle + patch.length))
        content.set(old)
        content.set(patch, middle)
        touched.changedFiles.set(entry.path, content)
      } else {
        ftruncateSync(fd, middle)
        touched.changedFiles.set(entry.path, old.subarray(0, middle))
      }
    })
  })

  const leaf = (entry: ExpectedEntry) => entry.type !== 'directory'
  const doomed = new Set([
    ...some(
      unused((entry) => entry.type === 'file'),
      5,
    ),
    ...some(
      unused((entry) => entry.linkGroup !== undefined),
      2,
    ),
    ...some(
      unused((entry) => leaf(entry) && entry.type !== 'file'),
      3,
    ),
  ])
  for (const entry of doomed) {
    remove(entry)
    unlinkSync(at(entry.path))
  }
  // Not a name of several: in its new place it would still count as one.
  some(
    unused((entry) => leaf(entry) && entry.linkGroup === undefined),
    2,
  ).forEach((entry, i) => {
    remove(entry)
    renameSync(at(entry.path), at(`${folder}/moved-${i}`))
  })
  return touched
}

function refusesWrites(subvolume: string): void {
  try {
    mkdirSync(`${subvolume}/${JUDGE_FOLDER}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return
    throw error
  }
  throw new Error(`${subvolume} is read-only, and yet a directory could be made in it`)
}

/** Snapshots a subvolume, writes into the snapshot, and deletes it with all it shares. */
async function snapshotAndDelete(top: string, name: string): Promise<void> {
  const snapshot = `${top}/${JUDGE_FOLDER}-snapshot`
  await mustRun('btrfs', ['subvolume', 'snapshot', name === '' ? top : `${top}/${name}`, snapshot])
  writeFileSync(`${snapshot}/${JUDGE_FOLDER}/large`, noise(200_000, 7))
  writeSynced(Buffer.from(`${snapshot}/${JUDGE_FOLDER}/small`), 'a', (fd) =>
    writeSync(fd, 'in the snapshot\n'),
  )
  await mustRun('btrfs', ['subvolume', 'delete', '--commit-after', snapshot])
  await mustRun('btrfs', ['subvolume', 'sync', top])
}

/**
 * Does to a file system, mounted read-write at `top`, what a running system does: writes, appends, fsyncs,
 * overwrites, truncates, deletes, renames, in every writable subvolume of `expected` and in the top level; snapshots one
 * subvolume and deletes the snapshot.
 *
 * @returns what is expected afterwards, the judge's own folders left out
 */
export async function exercise(top: string, expected: ExpectedTrees): Promise<ExpectedTrees> {
  const after = new Map<string, readonly ExpectedEntry[]>()
  const names = new Set(['', ...expected.keys()])
  const written: string[] = []
  let seed = 0
  for (const name of names) {
    const entries = expected.get(name) ?? []
    const path = name === '' ? top : `${top}/${name}`
    if (await isReadOnly(path)) {
      refusesWrites(path)
      after.set(name, entries)
      continue
    }
    written.push(name)
    const root = Buffer.from(path)
    const touched = disturb(root, entries, ++seed)
    const left = entries.filter(({ path }) => !touched.removed.has(path))
    after.set(
      name,
      left.map((entry) => {
        const content = touched.changedFiles.get(entry.path)
        const keepsTime = content === undefined && !touched.changedDirectories.has(entry.path)
        return {
          ...entry,
          ...(content && { content, size: undefined, sha256: undefined }),
          mtime: keepsTime ? entry.mtime : undefined,
          atime: undefined,
          ctime: undefined,
        }
      }),
    )
  }
  const size = (name: string) => expected.get(name)?.length ?? 0
  const [largest] = written.sort((a, b) => size(b) - size(a))
  if (largest !== undefined) await snapshotAndDelete(top, largest)
  return after
}
