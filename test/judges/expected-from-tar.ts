import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ByteString, fromText, toBytes } from '../../src/lib/byte-string.ts'
import type { ExpectedEntry, ExpectedTrees, FoundEntry } from './expected.ts'
import { mustRun } from './run-tool.ts'
import { walk } from './walk.ts'

/** A subvolume's name and the path of the source's tree that goes into it (`/nix`). */
export interface SubvolumeRoute {
  name: string
  path: string
}

/** Turns found entries into expected ones. Access and change times are left out. */
export function expectedFromWalk(found: readonly FoundEntry[]): ExpectedEntry[] {
  return found.map((entry) => {
    if (entry.type === 'subvolume') throw new Error(`a subvolume cannot be expected here: ${entry.path}`)
    const {
      path,
      type,
      mode,
      uid,
      gid,
      mtime,
      ino,
      nlink,
      xattrs = [],
      size,
      sha256,
      target,
      major,
      minor,
    } = entry
    return {
      ...{ path, type, mode, uid, gid, size, sha256, target, major, minor },
      mtime: { sec: mtime[0], nsec: mtime[1] },
      xattrs: xattrs.map(([name, value]) => ({ name, value: toBytes(value) })),
      linkGroup: nlink > 1 && type !== 'directory' ? String(ino) : undefined,
    }
  })
}

/**
 * Sorts a tree into subvolumes: a path goes to the subvolume with the longest matching `path`, and each of their
 * mount points is an empty directory with the same metadata in the subvolume around it. What no subvolume
 * matches stays in the top level, ''. Mount points that the tree does not have must exist all the same; with
 * which metadata is not compared.
 */
export function routeToSubvolumes(
  entries: readonly ExpectedEntry[],
  subvolumes: readonly SubvolumeRoute[],
): Map<string, ExpectedEntry[]> {
  const routes = subvolumes
    .map(({ name, path }) => ({ name, prefix: fromText(path).replace(/^\/+|\/+$/g, '') }))
    .sort((a, b) => b.prefix.length - a.prefix.length)
  if (!routes.some(({ prefix }) => prefix === '')) routes.push({ name: '', prefix: '' })
  const contains = (prefix: ByteString, path: ByteString) =>
    prefix === '' || path === prefix || path.startsWith(`${prefix}/`)

  const trees = new Map<string, ExpectedEntry[]>(routes.map(({ name }) => [name, []]))
  const put = (route: { name: string; prefix: ByteString }, entry: ExpectedEntry) => {
    const path = entry.path.slice(route.prefix === '' ? 0 : route.prefix.length + 1)
    trees.get(route.name)!.push({ ...entry, path })
  }
  const known = new Set(entries.map(({ path }) => path))
  const missing: ExpectedEntry[] = []
  const require = (path: ByteString) => {
    if (known.has(path)) return
    known.add(path)
    if (path !== '') require(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    missing.push({ path, type: 'directory', xattrs: 'unknown' })
  }
  for (const { prefix } of routes) require(prefix)
  for (const entry of [...entries, ...missing]) {
    const own = routes.find(({ prefix }) => contains(prefix, entry.path))!
    put(own, entry)
    if (own.prefix !== '' && entry.path === own.prefix) {
      const around = routes.find((route) => route !== own && contains(route.prefix, entry.path))!
      put(around, entry)
    }
  }
  return trees
}

/** Walks a directory and sorts what is there into subvolumes. */
export async function expectedFromDirectory(
  directory: string,
  subvolumes: readonly SubvolumeRoute[],
): Promise<ExpectedTrees> {
  return routeToSubvolumes(expectedFromWalk(await walk(directory)), subvolumes)
}

/**
 * Lets GNU tar, as root, unpack an archive into a temporary directory and describes what it made: an opinion that
 * owes nothing to our reader. Compressed archives are recognised by tar itself.
 */
export async function expectedFromTar(
  tar: string,
  subvolumes: readonly SubvolumeRoute[],
): Promise<ExpectedTrees> {
  const folder = mkdtempSync(join(tmpdir(), 'expected-'))
  try {
    const root = join(folder, 'root')
    mkdirSync(root)
    const preserve = ['--numeric-owner', '--same-owner', '--xattrs', '--xattrs-include=*', '--acls']
    await mustRun('tar', ['-x', '-p', ...preserve, '-C', root, '-f', tar])
    return await expectedFromDirectory(root, subvolumes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
