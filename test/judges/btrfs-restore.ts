import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromText, type ByteString } from '../../src/lib/byte-string.ts'
import { btrfsPrograms } from './btrfs-programs.ts'
import { compareTree, type ExpectedEntry, type ExpectedTrees, refuseDifferences } from './expected.ts'
import { type Partition, withReadOnlyPartition } from './partition.ts'
import { missingJudge, requireJudge, runTool } from './run-tool.ts'
import { findPython, walk } from './walk.ts'

/** Whether `btrfs restore` can judge: owners and attributes of others take root. Says so loudly when not. */
export function canBtrfsRestore(): boolean {
  const name = 'btrfs restore'
  if (process.getuid?.() !== 0) return missingJudge(name, 'it needs root')
  if (findPython() === undefined) return missingJudge(name, 'it needs python3')
  return requireJudge('btrfs')
}

/** Times that a folder of ext4 holds: 34 bits from 1901 on. */
const EARLIEST = -(2 ** 31)
const LATEST = EARLIEST + 2 ** 34 - 1
/** All attributes of an inode have to fit into one block of ext4, and other users of the block too. */
const XATTR_ROOM = 2500

/** Attributes that only BTRFS knows. */
const PROPERTY = 'btrfs.'
const REFUSED_PROPERTY = /extended attribute btrfs\.\w+ on file .*: Operation not supported$/

const xattrBytes = ({ xattrs = [] }: ExpectedEntry) =>
  xattrs === 'unknown' ? 0 : xattrs.reduce((sum, { name, value }) => sum + name.length + value.length + 24, 0)

/**
 * An entry as `btrfs restore` restores it. It knows neither device nodes nor fifos and sockets, makes a file of its own
 * of every hard link, sets no attributes of symlinks and no inode flags, and nobody can set a ctime.
 */
function restorable(entry: ExpectedEntry, path: ByteString): ExpectedEntry[] {
  if (!['file', 'directory', 'symlink'].includes(entry.type)) return []
  const { mtime } = entry
  return [
    {
      ...entry,
      path,
      // Every symlink of Linux has 0777.
      mode: entry.type === 'symlink' ? undefined : entry.mode,
      mtime: mtime && mtime.sec >= EARLIEST && mtime.sec <= LATEST ? mtime : undefined,
      atime: undefined,
      ctime: undefined,
      linkGroup: undefined,
      nodatacow: undefined,
      flags: undefined,
      xattrs: xattrsElsewhere(entry),
    },
  ]
}

/** Attributes that the target file system accepts. */
function xattrsElsewhere(entry: ExpectedEntry): ExpectedEntry['xattrs'] {
  if (entry.type === 'symlink') return []
  if (entry.xattrs === 'unknown' || xattrBytes(entry) > XATTR_ROOM) return 'unknown'
  return entry.xattrs?.filter(({ name }) => !name.startsWith(PROPERTY))
}

/**
 * Directories that `btrfs restore` makes without owner, mode, times and attributes: empty ones, and one whose entries are
 * the last items of the tree. That takes a directory without an inode after its own below it: every inode that has one
 * name comes after the directory with the name.
 */
function plainDirectories(entries: readonly ExpectedEntry[]): Set<ByteString> {
  const names = new Map<string, number>()
  for (const { linkGroup } of entries) {
    if (linkGroup !== undefined) names.set(linkGroup, (names.get(linkGroup) ?? 0) + 1)
  }
  const plain = new Set(entries.flatMap(({ type, path }) => (type === 'directory' ? [path] : [])))
  for (const { path, linkGroup } of entries) {
    const hasOneName = linkGroup === undefined || names.get(linkGroup) === 1
    if (path !== '' && hasOneName) plain.delete(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  }
  return plain
}

/** One tree of all subvolumes, each at its place; the root of the top level is the folder itself. */
function asOneTree(expected: ExpectedTrees): ExpectedEntry[] {
  return [...expected].flatMap(([name, entries]) => {
    const plain = plainDirectories(entries)
    return entries.flatMap((entry) => {
      const path = [fromText(name), entry.path].filter((part) => part !== '').join('/')
      if (path === '') return []
      if (plain.has(entry.path) || entry.madeUp === true)
        return [{ path, type: entry.type, xattrs: 'unknown' as const, madeUp: entry.madeUp }]
      return restorable(entry, path)
    })
  })
}

/**
 * Has `btrfs restore`, a reader of its own beside the kernel's, take everything out of the BTRFS partition of an image,
 * snapshots included, and compares what comes out. See `restorable` for what it cannot do.
 *
 * @throws Error with the tool's output, or with the differences
 */
export async function btrfsRestore(
  image: string,
  partition: Partition,
  expected: ExpectedTrees,
  { versions = 'newest' }: { versions?: 'all' | 'newest' } = {},
): Promise<void> {
  const wanted = asOneTree(expected)
  const followed = wanted.flatMap(({ path, madeUp }) => (madeUp === true ? [`${path}/`] : []))
  const hasLargeXattrs = wanted.some(({ xattrs }) => xattrs === 'unknown')
  for (const tool of btrfsPrograms(versions)) {
    const folder = mkdtempSync(join(tmpdir(), 'btrfs-restore-'))
    try {
      await withReadOnlyPartition(image, partition, async (target) => {
        const args = ['restore', '-x', '-m', '-S', '-s', '-o', target, folder]
        const { code, stdout, stderr } = await runTool(tool, args)
        const isKnown = (line: string) =>
          line === '' ||
          REFUSED_PROPERTY.test(line) ||
          (hasLargeXattrs && /No space left on device$/.test(line))
        const complaints = stderr.split('\n').filter((line) => !isKnown(line))
        if (code !== 0 || complaints.length > 0) {
          throw new Error(`${tool} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`)
        }
      })
      const isCompared = (path: ByteString) =>
        path !== '' && !followed.some((above) => path.startsWith(above))
      const found = (await walk(folder)).filter(({ path }) => isCompared(path))
      refuseDifferences(
        compareTree(
          'restored',
          wanted,
          found.map((entry) => ({ ...entry, nlink: 1 })),
        ),
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
