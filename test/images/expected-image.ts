/**
 * The expected content of a BTRFS partition, derived from the rules alone: a flat list of paths that sources change one
 * after the other. It shares nothing with src/file-tree.
 */
import type { Timestamp, Xattr } from '../../src/file-tree/entry.ts'
import { fromText, toBytes, type ByteString, toLatin1 } from '../../src/lib/byte-string.ts'
import type { BtrfsSpec, PathRuleSpec } from '../../src/spec/btrfs-spec.ts'
import type { ExpectedEntry } from '../judges/expected.ts'
import type { TarInput } from '../tar/build-tar.ts'

export interface SourceInput {
  entries: readonly TarInput[]
  to?: string
}

export type Layout = Pick<BtrfsSpec, 'subvolumes' | 'paths' | 'links' | 'swapfile'>

type Subvolumes = NonNullable<BtrfsSpec['subvolumes']>

/** The sources put something where it cannot be: the build must refuse it. */
export class Refused extends Error {}

interface Inode {
  id: number
  /** All but the names, and the flag, which depends on where the names are. */
  entry: Omit<ExpectedEntry, 'path'>
  /** By the subvolume's name: as the first name there had it. */
  nodatacow: Map<string, boolean>
}

const NO_TIME: Timestamp = { sec: 0, nsec: 0 }

/** @throws Refused */
export function expectedImage(
  sources: readonly SourceInput[],
  layout: Layout = {},
): Map<string, ExpectedEntry[]> {
  const subvolumes = (layout.subvolumes ?? [])
    .filter(({ snapshotOf }) => snapshotOf === undefined)
    .map(({ name }) => ({ name, path: pathHeldBy(name, layout) }))
  if (!subvolumes.some(({ path }) => path === '')) {
    const top = subvolumes.find(({ name }) => name === '')
    if (top) top.path = ''
    else subvolumes.push({ name: '', path: '' })
  }
  const routes = subvolumes.flatMap(({ name, path }) => (path === undefined ? [] : [{ name, path }]))
  const inodes = new Map<ByteString, Inode>()
  /** Entries that existed at some time, which rules apply to. */
  const seen = new Set<ByteString>()
  let nextId = 0

  const routeOf = (path: ByteString) =>
    routes
      .filter((route) => isWithin(path, route.path))
      .reduce((longest, route) => (route.path.length > longest.path.length ? route : longest))
  const put = (path: ByteString, entry: Inode['entry']) => {
    const inode = { id: nextId++, entry, nodatacow: new Map<string, boolean>() }
    name(path, inode)
  }
  const changed = (path: ByteString, entry: Inode['entry']) => withRules(rulesFor(layout, path), entry)
  const name = (path: ByteString, inode: Inode) => {
    inodes.set(path, inode)
    seen.add(path)
    const { name } = routeOf(path)
    if (!inode.nodatacow.has(name)) inode.nodatacow.set(name, nodatacowAt(layout, routeOf(path), path))
  }
  const need = (path: ByteString) => {
    const found = inodes.get(path)
    if (found !== undefined) {
      if (found.entry.type !== 'directory') throw new Refused(`${path} is no directory`)
      return
    }
    if (path !== '') need(parentOf(path))
    put(path, changed(path, impliedDirectory))
  }
  const remove = (path: ByteString) => {
    for (const route of routes) {
      if (isWithin(route.path, path)) throw new Refused(`${path} holds a subvolume`)
    }
    for (const other of [...inodes.keys()]) if (isWithin(other, path)) inodes.delete(other)
  }

  for (const { path } of routes) need(path)
  for (const { entries, to = '/' } of sources) {
    const below = (path: ByteString) => [treePath(to), path].filter((part) => part !== '').join('/')
    for (const input of entries) {
      const path = below(input.path)
      if (isExcluded(layout, path)) continue
      if (path !== '') need(parentOf(path))
      const existing = inodes.get(path)
      if (input.type === 'directory' && existing?.entry.type === 'directory') {
        existing.entry = changed(path, describe(input))
        continue
      }
      let target: Inode | undefined
      if (input.type === 'hardlink') {
        target = inodes.get(below(input.target))
        if (target === undefined || target.entry.type === 'directory')
          throw new Refused(`${path} leads nowhere`)
        if (differs(target.entry, withRules(rulesFor(layout, path), target.entry)))
          throw new Refused(`${path} has rules of its own`)
      }
      if (existing !== undefined) remove(path)
      if (target === undefined) put(path, changed(path, describe(input)))
      else name(path, target)
    }
  }
  if (layout.swapfile !== undefined) {
    const path = treePath(layout.swapfile.path)
    need(parentOf(path))
    if (inodes.has(path)) throw new Refused('something is where the swap file goes')
    const { mtime, atime, ctime } = impliedDirectory
    put(path, { type: 'file', mode: 0o600, uid: 0, gid: 0, mtime, atime, ctime, flags: [] })
    inodes.get(path)!.nodatacow.set(routeOf(path).name, true)
  }
  for (const rule of layout.paths ?? []) {
    if (rule.path === undefined || rule.exclude === true || !changesEntries(rule)) continue
    const isThere = [...inodes.keys(), ...seen].some((path) => isWithin(path, treePath(rule.path!)))
    if (!isThere) throw new Refused(`${rule.path} is not there`)
  }
  return inSubvolumes(inodes, routes, layout)
}

function inSubvolumes(
  inodes: ReadonlyMap<ByteString, Inode>,
  routes: readonly { name: string; path: ByteString }[],
  { subvolumes = [], links = {} }: Layout,
): Map<string, ExpectedEntry[]> {
  const plainRoot = { ...impliedDirectory, path: '' }
  const trees = new Map<string, ExpectedEntry[]>([['', []]])
  for (const { name } of subvolumes) trees.set(name, [])
  const paths = [...inodes.keys()]
  for (const { name, path: root } of routes) {
    const inner = routes.filter((route) => route.path !== root && isWithin(route.path, root))
    for (const path of paths) {
      if (!isWithin(path, root)) continue
      if (inner.some((route) => route.path !== path && isWithin(path, route.path))) continue
      const mountPoint = inner.find((route) => route.path === path)
      const { id, entry, nodatacow } = inodes.get(path)!
      // A mount point of a subvolume that lies in this very directory is the subvolume itself.
      const below = root === '' ? path : path.slice(root.length + 1)
      if (mountPoint !== undefined) {
        const place = placeOf(mountPoint.name, subvolumes)
        if (place.container === name && place.path === below) continue
      }
      trees.get(name)!.push({
        ...entry,
        path: below,
        linkGroup: entry.type === 'directory' ? undefined : `${id}`,
        nodatacow:
          mountPoint !== undefined
            ? subvolumes.find((subvolume) => subvolume.name === name)?.nodatacow === true
            : ['file', 'directory'].includes(entry.type)
              ? nodatacow.get(name)
              : undefined,
      })
    }
  }
  const optionsOf = (name: string) => subvolumes.find((subvolume) => subvolume.name === name)
  for (const [name, entries] of trees) {
    if (entries.length > 0) continue
    entries.push({ ...plainRoot, path: '', nodatacow: optionsOf(name)?.nodatacow === true })
  }
  placeSubvolumes(trees, subvolumes)
  for (const [name, entries] of trees) {
    const property = optionsOf(name)?.property
    if (property !== undefined)
      trees.set(
        name,
        entries.map((entry) => withProperty(entry, property)),
      )
  }
  for (const [name, target] of Object.entries(links)) {
    const entry = { type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtime: NO_TIME } as const
    trees.get('')!.push({ ...entry, path: fromText(name), target: fromText(target) })
  }
  for (const { name, snapshotOf } of subvolumes) {
    if (snapshotOf === undefined) continue
    // Subvolumes inside the source are not in the snapshot: the kernel shows an empty directory.
    const inside = subvolumes
      .filter((other) => other.name !== '' && placeOf(other.name, subvolumes).container === snapshotOf)
      .map((other) => ({
        path: placeOf(other.name, subvolumes).path,
        type: 'directory' as const,
        madeUp: true,
      }))
    trees.set(name, [...trees.get(snapshotOf)!, ...inside])
  }
  return trees
}

/** Makes room for the subvolumes in the trees of those they lie in. */
function placeSubvolumes(trees: Map<string, ExpectedEntry[]>, subvolumes: Subvolumes): void {
  for (const { name } of subvolumes) {
    if (name === '') continue
    const { container, path } = placeOf(name, subvolumes)
    const entries = trees.get(container)!
    if (entries.some((entry) => entry.path === path)) throw new Refused(`${path} is taken`)
    const above: ByteString[] = []
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) above.unshift(at)
    let nodatacow = entries.find((entry) => entry.path === '')!.nodatacow
    for (const at of above) {
      const existing = entries.find((entry) => entry.path === at)
      if (existing === undefined) entries.push({ ...impliedDirectory, path: at, nodatacow })
      else if (existing.type !== 'directory') throw new Refused(`${at} is no directory`)
      else nodatacow = existing.nodatacow
    }
  }
}

/** The subvolume that another lies in, and its path there. */
function placeOf(name: string, subvolumes: Subvolumes): { container: string; path: ByteString } {
  const container = subvolumes
    .map((other) => other.name)
    .filter((other) => other !== '' && name.startsWith(`${other}/`))
    .reduce((longest, other) => (other.length > longest.length ? other : longest), '')
  return { container, path: fromText(container === '' ? name : name.slice(container.length + 1)) }
}

/** The path of the sources whose tree a subvolume holds: its own, else the one that leads to where it lies. */
export function pathHeldBy(name: string, { subvolumes = [] }: Layout): ByteString | undefined {
  const path = subvolumes.find((other) => other.name === name)?.path
  if (path !== undefined) return treePath(path)
  if (name === '') return subvolumes.some((other) => other.path === '/') ? undefined : ''
  const place = placeOf(name, subvolumes)
  const above = pathHeldBy(place.container, { subvolumes })
  if (above === undefined) return undefined
  return above === '' ? place.path : `${above}/${place.path}`
}

/** Directories that are copied on write have the subvolume's property, unless they have another. */
function withProperty(entry: ExpectedEntry, property: string): ExpectedEntry {
  if (entry.type !== 'directory' || entry.nodatacow === true || entry.xattrs === 'unknown') return entry
  const { xattrs = [] } = entry
  const name = 'btrfs.compression'
  if (xattrs.some((xattr) => xattr.name === name)) return entry
  return { ...entry, xattrs: [...xattrs, { name, value: toBytes(fromText(property)) }] }
}

/** Whether a path, in bytes, is left out, or something above it. */
export function isExcluded(layout: Layout, path: ByteString): boolean {
  return partsAbove(path).some((above) => rulesFor(layout, above).some((rule) => rule.exclude === true))
}

/** Rules for a path in the order of the description. */
function rulesFor({ paths = [] }: Layout, path: ByteString): PathRuleSpec[] {
  return paths.filter((rule) =>
    rule.path === undefined
      ? path !== '' && globToRegExp(rule.glob!).test(toLatin1(path))
      : isWithin(path, treePath(rule.path)),
  )
}

/** The whole path as a regular expression. Patterns in tests have ASCII characters and no sets. */
function globToRegExp(glob: string): RegExp {
  const pattern = glob
    .slice(1)
    .replace(/[.+^$(){}|\\]/g, '\\$&')
    .replace(/\*\*\/|\*\*$|\*|\?/g, (token) => {
      if (token === '**/') return '(?:[^/]+/)*'
      return token === '**' ? '.+' : token === '*' ? '[^/]*' : '[^/]'
    })
  return new RegExp(`^${pattern}$`, 's')
}

function changesEntries({ flags = [], uid, gid, mode, xattrs = {} }: PathRuleSpec): boolean {
  return flags.length > 0 || (uid ?? gid ?? mode) !== undefined || Object.keys(xattrs).length > 0
}

function withRules(rules: readonly PathRuleSpec[], entry: Inode['entry']): Inode['entry'] {
  const changed = { ...entry }
  for (const { uid, gid, mode, flags, xattrs = {} } of rules) {
    if (uid !== undefined) changed.uid = uid
    if (gid !== undefined) changed.gid = gid
    if (mode !== undefined && entry.type !== 'symlink') changed.mode = parseInt(mode, 8)
    if (flags !== undefined && changed.flags !== undefined) {
      changed.flags = [...new Set([...changed.flags, ...flags])].sort()
    }
    for (const [key, value] of Object.entries(xattrs)) {
      const name = fromText(key)
      const kept: Xattr[] = changed.xattrs === 'unknown' ? [] : [...(changed.xattrs ?? [])]
      const others = kept.filter((xattr) => xattr.name !== name)
      // Attributes that the kernel serves for files and directories only.
      if (entry.flags === undefined && key.startsWith('user.')) continue
      if (value === null) changed.xattrs = others
      else {
        const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64')
        changed.xattrs = [...others, { name, value: new Uint8Array(bytes) }]
      }
    }
  }
  return changed
}

/** Whether the rules would change an inode that is there. */
function differs(a: Inode['entry'], b: Inode['entry']): boolean {
  const told = ({ mode, uid, gid, flags, xattrs }: Inode['entry']) =>
    JSON.stringify([
      ...[mode, uid, gid, flags],
      (xattrs === 'unknown' ? [] : (xattrs ?? [])).map(({ name, value }) => `${name} ${value.join()}`).sort(),
    ])
  return told(a) !== told(b)
}

/** A path and all above it. */
function partsAbove(path: ByteString): ByteString[] {
  return path === '' ? [''] : [...partsAbove(parentOf(path)), path]
}

const impliedDirectory: Inode['entry'] = {
  type: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: NO_TIME,
  atime: NO_TIME,
  ctime: NO_TIME,
  flags: [],
}

function describe(input: TarInput): Inode['entry'] {
  const mtime = input.mtime ?? NO_TIME
  const entry = {
    mode: input.mode ?? (input.type === 'directory' ? 0o755 : 0o644),
    uid: input.uid ?? 0,
    gid: input.gid ?? 0,
    mtime,
    atime: input.atime ?? mtime,
    ctime: input.ctime ?? mtime,
    xattrs: input.xattrs,
    ...(input.type === 'file' || input.type === 'directory' ? { flags: [] } : {}),
  }
  switch (input.type) {
    case 'directory':
    case 'fifo':
      return { ...entry, type: input.type }
    case 'file': {
      const { content = '', sparseMap } = input
      if (sparseMap !== undefined) return { ...entry, type: 'file', size: sparseMap.size }
      return {
        ...entry,
        type: 'file',
        content: typeof content === 'string' ? toBytes(fromText(content)) : content,
      }
    }
    case 'symlink':
      return { ...entry, type: 'symlink', target: input.target }
    case 'block':
    case 'character':
      return { ...entry, type: input.type, major: input.major, minor: input.minor }
    case 'hardlink':
      throw new Error('a hard link has no inode of its own')
  }
}

/** The subvolume's setting, then those of the rules in it, outermost first. */
function nodatacowAt(
  { subvolumes = [], paths = [] }: Layout,
  route: { name: string; path: ByteString },
  path: ByteString,
): boolean {
  const rules = paths
    .flatMap((rule) => (rule.path === undefined ? [] : [{ ...rule, path: treePath(rule.path) }]))
    .filter((rule) => isWithin(path, rule.path) && isWithin(rule.path, route.path))
    .sort((a, b) => a.path.length - b.path.length)
  const own = subvolumes.find(({ name }) => name === route.name)
  const patterns = rulesFor({ paths }, path).filter((rule) => rule.path === undefined)
  const told = [own?.nodatacow, ...[...rules, ...patterns].map((rule) => rule.nodatacow)]
  return told.findLast((value) => value !== undefined) ?? false
}

function treePath(path: string): ByteString {
  return fromText(path.slice(1))
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function isWithin(path: ByteString, root: ByteString): boolean {
  return root === '' || path === root || path.startsWith(`${root}/`)
}
