import { toLatin1 } from '../../src/lib/byte-string.ts'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JUDGE_FOLDER, noise, plainFile, sizeOf } from './exercise.ts'
import {
  compareTree,
  type ExpectedEntry,
  type ExpectedTrees,
  type FoundEntry,
  refuseDifferences,
} from './expected.ts'
import { expectedFromWalk } from './expected-from-tar.ts'
import { isReadOnly } from './mounted.ts'
import { mustRun, runTool } from './run-tool.ts'
import { walk } from './walk.ts'

/**
 * Steps that a system performs on its root file system besides writing files. Each step works on a file system mounted at its top
 * level, with room to spare, and leaves what is expected of the image's own entries as it was, except where it
 * says so.
 */

/** In the order in which they are taken. */
export const STEPS = [
  /** `cp --reflink=always` of the image's files, a hole punched into each copy. */
  'reflink',
  /** A read-only snapshot, sent whole, then what changed since, received into the same file system, and compared. */
  'send',
  /** Quotas switched on, counted for every subvolume, switched off. */
  'quota',
  /** All files rewritten, compressed with zstd. */
  'defragment',
  /** One subvolume of the image deleted, until nothing is left of it. */
  'delete',
  /** Data and metadata converted to DUP, and back to what images have. */
  'convert',
  /** A power cut right after an fsync: see crash.ts. */
  'crash',
] as const
export type Step = (typeof STEPS)[number]

const KIB = 1024

const pathOf = (top: string, name: string) => (name === '' ? top : `${top}/${name}`)

async function writable(top: string, names: Iterable<string>): Promise<string[]> {
  const found: string[] = []
  for (const name of names) if (!(await isReadOnly(pathOf(top, name)))) found.push(name)
  return found
}

const bytePath = (root: string, path: string) =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])

/** Copies share extents with what the image has; writing into them must not reach it. */
export async function reflink(top: string, expected: ExpectedTrees): Promise<void> {
  for (const name of await writable(top, expected.keys())) {
    const root = pathOf(top, name)
    const entries = expected.get(name)!
    // Files with and without checksums never share extents: the copy inherits from the directory.
    const nodatacow = entries.find(({ path }) => path === '')?.nodatacow
    const large = entries.filter(
      (entry) => plainFile(entry) && entry.nodatacow === nodatacow && sizeOf(entry) >= 16 * KIB,
    )
    for (const [i, { path }] of large.slice(0, 3).entries()) {
      const original = readFileSync(bytePath(root, toLatin1(path)))
      const copy = join(root, JUDGE_FOLDER, `reflink-${i}`)
      // Its name may be one that cannot be an argument; and a shell drops line feeds at the end of what it takes in.
      if (path.endsWith('\n')) continue
      const script = 'exec cp --reflink=always -- "$1/$(printf "$2")" "$3"'
      const escaped = [...Buffer.from(path, 'latin1')].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
      await mustRun('bash', ['-c', script, 'reflink', root, escaped.join(''), copy])
      await mustRun('fallocate', ['--punch-hole', '--offset', '6000', '--length', '7000', copy])
      await mustRun('sync', ['-f', top])
      const wanted = Buffer.from(original).fill(0, 6000, 13000)
      if (!readFileSync(copy).equals(wanted)) throw new Error(`${copy}: not the copy with a hole`)
      if (!readFileSync(bytePath(root, toLatin1(path))).equals(original))
        throw new Error(`${path}: changed by a copy`)
    }
  }
}

/** The part of an entry that a send stream carries: no inode flags, no modes of symlinks, no nested subvolumes. */
async function treeToSend(subvolume: string): Promise<ExpectedEntry[]> {
  const all = await walk(subvolume)
  // (BTRFS_EMPTY_SUBVOL_DIR_OBJECTID: what a snapshot has where a subvolume was)
  const carried = all.filter(({ type, ino }) => type !== 'subvolume' && ino !== 2)
  const sent = expectedFromWalk(carried.map(withoutProperty))
  return sent.map((entry) => ({
    ...entry,
    mode: entry.type === 'symlink' ? undefined : entry.mode,
    flags: undefined,
  }))
}

/** New directories take the property of the one around them, those that are received, too. */
function withoutProperty(entry: FoundEntry): FoundEntry {
  return { ...entry, xattrs: entry.xattrs?.filter(([name]) => name !== 'btrfs.compression') }
}

export async function sendAndReceive(top: string, expected: ExpectedTrees): Promise<void> {
  const folder = join(top, JUDGE_FOLDER, 'send')
  const received = join(folder, 'received')
  mkdirSync(received, { recursive: true })
  for (const name of expected.keys()) {
    const root = pathOf(top, name)
    const writes = !(await isReadOnly(root))
    // The top level holds the folder that everything is received into.
    if (name === '') continue
    const first = join(folder, 'first')
    const second = join(folder, 'second')
    const send = async (args: string[], snapshot: string) => {
      const script = 'set -o pipefail; receive=$1; shift; btrfs send -q "$@" | btrfs receive -q "$receive"'
      await mustRun('bash', ['-c', script, 'send', received, ...args, snapshot])
      const copy = join(received, snapshot === first ? 'first' : 'second')
      const differences = compareTree(
        `${name} received`,
        await treeToSend(snapshot),
        (await walk(copy)).filter(({ type }) => type !== 'subvolume').map(withoutProperty),
      )
      refuseDifferences(differences)
    }
    await mustRun('btrfs', ['subvolume', 'snapshot', '-r', root, first])
    await send([], first)
    if (writes) appendFileSync(join(root, JUDGE_FOLDER, 'large'), noise(50_000, 11))
    await mustRun('btrfs', ['subvolume', 'snapshot', '-r', root, second])
    await send(['-p', first], second)
    const used = [first, second, join(received, 'first'), join(received, 'second')]
    await mustRun('btrfs', ['subvolume', 'delete', '--commit-after', ...used])
  }
  await mustRun('btrfs', ['subvolume', 'sync', top])
}

export async function quota(top: string, expected: ExpectedTrees): Promise<void> {
  await mustRun('btrfs', ['quota', 'enable', top])
  await mustRun('btrfs', ['quota', 'rescan', '-w', top])
  const { stdout, stderr } = await mustRun('btrfs', ['qgroup', 'show', '--raw', '--sync', top])
  const counted = stdout.split('\n').filter((line) => /^0\/\d+ +\d+ +\d+/.test(line)).length
  const named = [...expected.keys()].filter((name) => name !== '').length
  // Quotas that do not add up are said to be inconsistent here.
  if (stderr !== '' || counted < named + 1) throw new Error(`btrfs qgroup show: ${stdout}${stderr}`)
  await mustRun('btrfs', ['quota', 'disable', top])
}

export async function defragment(top: string, expected: ExpectedTrees): Promise<void> {
  for (const name of await writable(top, expected.keys())) {
    await mustRun('btrfs', ['filesystem', 'defragment', '-r', '-czstd', pathOf(top, name)])
  }
  await mustRun('sync', ['-f', top])
}

/** @returns what is expected without the subvolume that was deleted: the smallest, when there are two at least */
export async function deleteSubvolume(top: string, expected: ExpectedTrees): Promise<ExpectedTrees> {
  const { stdout } = await mustRun('btrfs', ['subvolume', 'get-default', top])
  const names = [...expected.keys()].filter((name) => name !== '')
  const holdsOthers = (name: string) => names.some((other) => other.startsWith(`${name}/`))
  const isDefault = (name: string) => stdout.trim().endsWith(` path ${name}`)
  const [smallest] = names
    .filter((name) => !holdsOthers(name) && !isDefault(name))
    .sort((a, b) => expected.get(a)!.length - expected.get(b)!.length)
  if (smallest === undefined || names.length < 2) return expected
  // Its parent may be read-only.
  const container = names
    .filter((name) => smallest.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0]
  if (container !== undefined && (await isReadOnly(pathOf(top, container)))) return expected
  await mustRun('btrfs', ['subvolume', 'delete', '--commit-after', pathOf(top, smallest)])
  await mustRun('btrfs', ['subvolume', 'sync', top])
  // The directory that held it has another time now.
  const changed = smallest.slice(0, Math.max(0, smallest.lastIndexOf('/')))
  return new Map(
    [...expected]
      .filter(([name]) => name !== smallest)
      .map(([name, entries]) => [
        name,
        entries.map((entry) => {
          const path = [name, Buffer.from(entry.path, 'latin1').toString()]
            .filter((part) => part !== '')
            .join('/')
          return path === changed ? { ...entry, mtime: undefined, ctime: undefined } : entry
        }),
      ]),
  )
}

/** In mixed block groups, data and metadata share the profile. */
export async function convert(top: string): Promise<void> {
  const usage = async () => (await mustRun('btrfs', ['filesystem', 'df', top])).stdout
  const isMixed = (await usage()).includes('Data+Metadata')
  const to = async (data: string, metadata: string) => {
    const args = [`-dconvert=${data}`, `-mconvert=${metadata}`, '--force']
    if (!isMixed) args.push(`-sconvert=${metadata}`)
    await mustRun('btrfs', ['balance', 'start', ...args, top])
    const found = await usage()
    for (const [kind, profile] of [
      [isMixed ? 'Data\\+Metadata' : 'Data', data],
      [isMixed ? 'Data\\+Metadata' : 'Metadata', metadata],
    ]) {
      if (!new RegExp(`^${kind}, ${profile}:`, 'mi').test(found)) throw new Error(`not converted:\n${found}`)
    }
  }
  await to('dup', 'dup')
  await to('single', 'single')
  if (!isMixed) await to('single', 'dup')
}

export async function scrub(mountPoint: string, { readonly }: { readonly: boolean }): Promise<void> {
  const args = ['scrub', 'start', '-B', '-R', ...(readonly ? ['-r'] : []), mountPoint]
  const { code, stdout, stderr } = await runTool('btrfs', args)
  const counters = [...stdout.matchAll(/(\w+_errors): (\d+)/g)]
  if (code !== 0 || counters.length < 5 || counters.some(([, , count]) => count !== '0')) {
    throw new Error(`btrfs ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`)
  }
}

/** Takes the steps that are asked for. @returns what is expected afterwards */
export async function work(
  top: string,
  expected: ExpectedTrees,
  steps: ReadonlySet<Step>,
): Promise<ExpectedTrees> {
  if (steps.has('reflink')) await reflink(top, expected)
  if (steps.has('send')) await sendAndReceive(top, expected)
  if (steps.has('quota')) await quota(top, expected)
  if (steps.has('defragment')) await defragment(top, expected)
  const left = steps.has('delete') ? await deleteSubvolume(top, expected) : expected
  if (steps.has('convert')) await convert(top)
  return left
}
