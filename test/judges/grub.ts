import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromText, toBytes, type ByteString } from '../../src/lib/byte-string.ts'
import { type ExpectedEntry, type ExpectedTrees, refuseDifferences } from './expected.ts'
import { findTool, missingJudge, mustRun, runTool, type ToolOptions } from './run-tool.ts'

/** Unpacked there by `scripts/install-judges.sh`, with a library it needs. */
const UNPACKED = fileURLToPath(new URL('../../.cache/judges/grub/', import.meta.url))

const SECTOR_SIZE = 4096

function grubFstest(): { tool: string; options: ToolOptions } | undefined {
  const tool = join(UNPACKED, 'bin/grub-fstest')
  const env = { LD_LIBRARY_PATH: join(UNPACKED, 'lib') }
  if (existsSync(tool)) return { tool, options: { env } }
  const installed = findTool('grub-fstest')
  return installed === undefined ? undefined : { tool: installed, options: {} }
}

/** Whether GRUB can be asked; says so loudly when not. */
export function canJudgeWithGrub(): boolean {
  const why = 'neither on PATH nor unpacked; see scripts/install-judges.sh'
  return grubFstest() !== undefined || missingJudge('grub-fstest', why)
}

/** A run of zeros that any writer may store as a hole. */
function hasZeroBlock(content: Uint8Array): boolean {
  for (let at = 0; at < content.length; at += SECTOR_SIZE) {
    const end = Math.min(at + SECTOR_SIZE, content.length)
    let i = at
    while (i < end && content[i] === 0) i++
    if (i === end) return true
  }
  return false
}

const asPath = (...parts: ByteString[]) => parts.filter((part) => part !== '').join('/')
const bytes = (path: ByteString) => Buffer.from(toBytes(path))
/** As it comes out of a tool's output. */
const shown = (name: ByteString) => bytes(name).toString('utf8')
/** A word for bash that is these bytes. */
const quoted = (text: ByteString) => `'${text.replaceAll("'", "'\\''")}'`

/** Every path with its entry, seen from the top level; subvolumes are directories, and come after what they lie in. */
function allPaths(expected: ExpectedTrees): Map<ByteString, ExpectedEntry> {
  const trees = [...expected].sort(([a], [b]) => a.length - b.length)
  return new Map(
    trees.flatMap(([name, entries]): [ByteString, ExpectedEntry][] => [
      [fromText(name), { path: '', type: 'directory' }],
      ...entries.map((entry): [ByteString, ExpectedEntry] => [asPath(fromText(name), entry.path), entry]),
    ]),
  )
}

/** GRUB prints names with a space after each; names may hold spaces, so words are compared. */
function compareListings(
  output: string,
  directories: readonly ByteString[],
  paths: ReadonlyMap<ByteString, ExpectedEntry>,
): string[] {
  const names = new Map<ByteString, string[]>(directories.map((directory) => [directory, []]))
  for (const [path, { type }] of paths) {
    if (path === '') continue
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    // As in a shell, a name with a dot in front is not listed.
    if (name.startsWith('.')) continue
    names.get(path.slice(0, Math.max(0, slash)))?.push(shown(name) + (type === 'directory' ? '/' : ''))
  }
  const words = (text: string) => text.split(' ').sort().join(' ')
  const listings = output.split('\0')
  return directories.flatMap((directory, i) => {
    const found = words(listings[i].replace(/ \n$|\n$/, ''))
    const wanted = words(names.get(directory)!.join(' '))
    return found === wanted ? [] : [`${shown(directory)}/: expected "${wanted}", found "${found}"`]
  })
}

let hasSaid = false

/** Once is enough: images with sparse files are many. */
function sayUnread(image: string, unread: readonly ByteString[]): void {
  if (unread.length === 0 || hasSaid) return
  hasSaid = true
  process.stderr.write(
    `\n*** NOT COMPARED BY GRUB: files with holes, as ${shown(unread[0])} of ${image} (and in other images) ***\n`,
  )
}

export interface GrubFindings {
  /** Number of files with the expected content. */
  compared: number
  /** Files with a hole: it has no extent, and GRUB 2.06 says "extent not found". */
  unread: ByteString[]
}

/**
 * Has GRUB's BTRFS reader list every directory and compare every file (with a known `content`) of a file system inside an
 * image. It reads every node size, profile, compression and checksum type tried so far (and verifies no checksum), and is stopped only
 * by holes and by space that is reserved and not written to.
 *
 * @param device as GRUB calls it: `(loop0,msdos1)` for the first partition of an MBR, `(loop0)` for the whole image
 * @throws Error with GRUB's complaint or the differences
 */
export async function judgeWithGrub(
  image: string,
  device: string,
  expected: ExpectedTrees,
): Promise<GrubFindings> {
  const { tool, options } = grubFstest()!
  const paths = allPaths(expected)
  const files = [...paths].flatMap(([path, { content }]) =>
    content === undefined ? [] : [{ path, content }],
  )
  const folder = mkdtempSync(join(tmpdir(), 'grub-judge-'))
  try {
    const place = (root: string, path: ByteString) => Buffer.concat([Buffer.from(`${root}/`), bytes(path)])
    const whole = join(folder, 'whole')
    const sparse = join(folder, 'sparse')
    mkdirSync(whole)
    mkdirSync(sparse)
    const holed: ByteString[] = []
    for (const { path, content } of files) {
      const root = hasZeroBlock(content) ? sparse : whole
      if (root === sparse) holed.push(path)
      const slash = path.lastIndexOf('/')
      if (slash > 0) mkdirSync(place(root, path.slice(0, slash)), { recursive: true })
      writeFileSync(place(root, path), content)
    }
    // A folder stands for all in it.
    await mustRun(tool, [image, 'cmp', `${device}/`, whole], options)

    // The shell takes names that are no text.
    const directories = [...paths].flatMap(([path, { type, madeUp }]) =>
      type === 'directory' && madeUp !== true ? [path] : [],
    )
    const run = `${quoted(fromText(tool))} ${quoted(fromText(image))}`
    const lists = directories.map(
      (path) => `${run} ls ${quoted(`${fromText(device)}/${path}`)} || exit; printf '\\0'\n`,
    )
    const listing = await runTool('bash', ['-s'], { ...options, input: toBytes(lists.join('')) })
    if (listing.code !== 0 || listing.stderr !== '') {
      throw new Error(`${tool} ${image} ls: exit code ${listing.code}\n${listing.stderr}`)
    }
    refuseDifferences(compareListings(listing.stdout, directories, paths))

    const compares = holed.map((path) => {
      const local = quoted(`${fromText(sparse)}/${path}`)
      return `${run} cmp ${quoted(`${fromText(device)}/${path}`)} ${local} 2>&1; printf '%s\\0' "$?"\n`
    })
    const comparing = await runTool('bash', ['-s'], { ...options, input: toBytes(compares.join('')) })
    const outputs = comparing.stdout.split('\0')
    const unread = holed.filter((path, i) => {
      if (outputs[i] === '0') return false
      if (/extent not found/.test(outputs[i])) return true
      throw new Error(`${tool} ${image} cmp ${shown(path)}: ${outputs[i]}`)
    })
    sayUnread(image, unread)
    return { compared: files.length - unread.length, unread }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
