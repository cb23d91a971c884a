/** The keys that every source has, applied to its entries: which of them are taken, where they go, what they become. */
import { xattrForMode } from '../file-tree/entry-changes.ts'
import type { EntryMetadata, SourceEntry, Timestamp } from '../file-tree/entry.ts'
import { mapAclIds, POSIX_ACL_ACCESS, POSIX_ACL_DEFAULT } from '../file-tree/posix-acl.ts'
import { parseModeChange, type ModeChange } from '../file-tree/mode-change.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { OnFinding } from '../lib/finding.ts'
import type { OwnerPlan, SelectionPlan } from '../spec/sources/common.ts'
import { PathGlobs } from './path-globs.ts'

/** An entry that is not taken unless one below it is: a directory on the way to what `include` names. */
type HeldDirectory = SourceEntry & { type: 'directory' }

export class Selection {
  readonly #plan: SelectionPlan
  readonly #include: PathGlobs | undefined
  readonly #exclude: PathGlobs | undefined
  readonly #changes: EntryChange[]
  readonly #held = new Map<ByteString, HeldDirectory>()
  #found = false

  constructor(plan: SelectionPlan) {
    this.#plan = plan
    this.#include = plan.include.length > 0 ? new PathGlobs(plan.include) : undefined
    this.#exclude = plan.exclude.length > 0 ? new PathGlobs(plan.exclude) : undefined
    this.#changes = changesOf(plan)
  }

  /**
   * Whether a path of the source will not be taken: for a directory, neither it nor anything below it. Kinds use it to
   * look at less.
   */
  leavesOut(path: ByteString, isDirectory: boolean): boolean {
    const place = this.#placeOf(path)
    if (!isDirectory) return place === undefined || !this.#takes(place)
    const { from } = this.#plan
    if (place === undefined) return !isWithin(path, from) && !isWithin(from, path)
    return this.#exclude?.cover(place) === true
  }

  #takes(place: ByteString): boolean {
    if (this.#exclude?.cover(place)) return false
    return this.#include === undefined || this.#include.cover(place)
  }

  /**
   * The entries that are taken, as they are to be put into the partition.
   *
   * @throws InputError when a hard link is taken without the file, or `from` leads to nothing
   */
  async *apply(
    entries: AsyncIterable<SourceEntry>,
    source: string,
    onFinding: OnFinding,
  ): AsyncGenerator<SourceEntry, void, undefined> {
    for await (const entry of entries) {
      const path = this.#placeOf(entry.path)
      if (path === undefined) continue
      this.#found = true
      if (this.#exclude?.cover(path)) continue
      if (this.#include !== undefined && !this.#include.cover(path)) {
        if (entry.type === 'directory') this.#held.set(path, { ...entry, path })
        continue
      }
      for (const directory of this.#heldAbove(path)) yield this.#changed(directory)
      const target = entry.type === 'hardlink' ? { target: this.#targetOf(entry) } : undefined
      yield this.#changed({ ...entry, path, ...target })
    }
    this.#report(source, onFinding)
  }

  /** Where a path of the source comes to lie; undefined: it lies outside of what is taken. */
  #placeOf(path: ByteString): ByteString | undefined {
    const { from, strip } = this.#plan
    let place = path
    if (from !== '') {
      if (!isWithin(path, from)) return undefined
      place = path.slice(from.length + 1)
    }
    // The root is no component, and stays the root.
    if (strip === 0 || place === '') return strip === 0 ? place : undefined
    let at = 0
    for (let left = strip; left > 0; left--) {
      const slash = place.indexOf('/', at)
      if (slash === -1) return undefined
      at = slash + 1
    }
    return place.slice(at)
  }

  #targetOf(entry: SourceEntry & { type: 'hardlink' }): ByteString {
    const place = this.#placeOf(entry.target)
    if (place !== undefined && this.#takes(place)) return place
    const { source, offset } = entry.origin
    throw new InputError(
      `the hard link's target "${toDisplay(entry.target)}" is left out by ${this.#reason(place)}, and the content with it: ` +
        'take both, or neither',
      { source, entry: toDisplay(entry.path), ...(offset !== undefined && { offset }) },
    )
  }

  #reason(place: ByteString | undefined): string {
    if (place === undefined) return this.#plan.from === '' ? '"strip"' : '"from"'
    return this.#exclude?.cover(place) ? '"exclude"' : '"include"'
  }

  /** The directories on the way to a path that have been held back, the outermost first. */
  *#heldAbove(path: ByteString): Generator<HeldDirectory> {
    if (this.#held.size === 0) return
    for (let end = 0; end !== -1; end = path.indexOf('/', end + 1)) {
      const directory = this.#held.get(path.slice(0, end))
      if (directory === undefined) continue
      this.#held.delete(directory.path)
      yield directory
    }
  }

  #changed(entry: SourceEntry): SourceEntry {
    // What is taken is no longer what was sent.
    if (entry.type === 'directory' && entry.received !== undefined) entry = { ...entry, received: undefined }
    for (const change of this.#changes) entry = { ...entry, ...change(entry, entry.type) }
    return entry
  }

  #report(source: string, onFinding: OnFinding): void {
    const { from, name } = this.#plan
    if (!this.#found && from !== '')
      throw new InputError(`holds nothing at "/${toDisplay(from)}"`, { source })
    const notice = (where: string, message: string) =>
      void onFinding({ severity: 'notice', where: `${name}.${where}`, message })
    if (!this.#found) notice('strip', 'removes all entries of the source: none has so many levels')
    for (const i of this.#include?.unused() ?? []) notice(`include[${i}]`, 'matches nothing in the source')
    for (const i of this.#exclude?.unused() ?? []) notice(`exclude[${i}]`, 'matches nothing in the source')
  }
}

/** Whether a path is another one or lies below it. */
function isWithin(path: ByteString, other: ByteString): boolean {
  if (other === '') return true
  return path.startsWith(`${other}`) && (path.length === other.length || path[other.length] === '/')
}

type EntryChange = (entry: SourceEntry, type: SourceEntry['type']) => Partial<EntryMetadata>

function changesOf({ owner, mode, clampTime }: SelectionPlan): EntryChange[] {
  const changes: EntryChange[] = []
  if (owner !== 'keep') changes.push((entry) => ownedBy(entry, owner))
  if (mode !== undefined) {
    const files = mode.files === undefined ? undefined : parseModeChange(mode.files)
    const directories = mode.directories === undefined ? undefined : parseModeChange(mode.directories)
    changes.push((entry, type) => withMode(entry, type, type === 'directory' ? directories : files))
  }
  if (clampTime !== undefined) changes.push((entry) => clamped(entry, clampTime))
  return changes
}

function ownedBy(entry: SourceEntry, owner: Exclude<OwnerPlan, 'keep'>): Partial<EntryMetadata> {
  const mapped = (id: number, map: number | ReadonlyMap<number, number> | undefined) =>
    typeof map === 'number' ? map : (map?.get(id) ?? id)
  // An ACL names others than the owner: only a map of numbers says who they are now.
  const named = (id: number, map: number | ReadonlyMap<number, number> | undefined) =>
    typeof map === 'object' ? (map.get(id) ?? id) : id
  const { uid, gid, xattrs, origin, path } = entry
  const changed = xattrs?.map((xattr) => {
    if (xattr.name !== POSIX_ACL_ACCESS && xattr.name !== POSIX_ACL_DEFAULT) return xattr
    try {
      const userOf = (id: number) => named(id, owner.uid)
      return { ...xattr, value: mapAclIds(xattr.value, userOf, (id) => named(id, owner.gid)) }
    } catch (error) {
      throw new InputError(`with "owner": ${(error as Error).message}`, {
        source: origin.source,
        entry: toDisplay(path),
      })
    }
  })
  return { uid: mapped(uid, owner.uid), gid: mapped(gid, owner.gid), ...(changed && { xattrs: changed }) }
}

/** Linux ignores the mode of a symlink. */
function withMode(
  { mode, xattrs }: EntryMetadata,
  type: SourceEntry['type'],
  change: ModeChange | undefined,
): Partial<EntryMetadata> {
  if (change === undefined || type === 'symlink') return {}
  const changed = change(mode, type === 'directory')
  if (changed === mode) return {}
  return { mode: changed, ...(xattrs && { xattrs: xattrs.map((xattr) => xattrForMode(xattr, changed)) }) }
}

function clamped(
  { mtime, atime, ctime, birthtime }: EntryMetadata,
  latest: Timestamp,
): Partial<EntryMetadata> {
  const earlier = (time: Timestamp) =>
    time.sec < latest.sec || (time.sec === latest.sec && time.nsec <= latest.nsec) ? time : latest
  return {
    mtime: earlier(mtime),
    ...(atime && { atime: earlier(atime) }),
    ...(ctime && { ctime: earlier(ctime) }),
    ...(birthtime && { birthtime: earlier(birthtime) }),
  }
}
