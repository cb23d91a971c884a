/** Checks and completes entries that are made by hand, or by other programs. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type {
  Entry,
  EntryMetadata,
  EntryOrigin,
  EntryType,
  EntryXattr,
  InodeFlag,
  SourceEntry,
  Timestamp,
  UnsupportedProperty,
  Xattr,
} from './entry.ts'
import { normalisePath } from './entry-path.ts'
import { contentOf } from './entry-content.ts'
import { EntryProblem } from './entry-problem.ts'
import {
  bytesOf,
  described,
  givenName,
  isIterable,
  problem,
  timestampOf,
  wholeNumberOf,
} from './entry-values.ts'

export interface SourceEntriesOptions {
  /** The source's name in messages, for entries that have no `origin`. */
  source: string
  /** Time of entries that have none. */
  time: Timestamp
}

const DEFAULT_MODE: Record<EntryType, number> = {
  file: 0o644,
  directory: 0o755,
  symlink: 0o777,
  hardlink: 0o644,
  fifo: 0o644,
  socket: 0o644,
  block: 0o644,
  character: 0o644,
}

/** Keys of entries, with the types that have them; undefined: all have. */
const KEYS: Record<keyof Entry, readonly EntryType[] | undefined> = {
  path: undefined,
  pathBytes: undefined,
  type: undefined,
  content: ['file'],
  size: ['file'],
  ranges: ['file'],
  target: ['symlink', 'hardlink'],
  targetBytes: ['symlink', 'hardlink'],
  major: ['block', 'character'],
  minor: ['block', 'character'],
  mode: undefined,
  uid: undefined,
  gid: undefined,
  mtime: undefined,
  atime: undefined,
  ctime: undefined,
  birthtime: undefined,
  xattrs: undefined,
  flags: ['file', 'directory'],
  nodatacow: ['file', 'directory'],
  unsupported: undefined,
  origin: undefined,
}

/** Flags, in the order in which chattr(1) has them. */
const FLAGS: readonly InodeFlag[] = ['append', 'immutable', 'noatime', 'nodump', 'sync']

const MAX_ID = 2 ** 32 - 1
/** Linux holds device numbers in 32 bits (MINORBITS in linux/kdev_t.h). */
const MAX_MAJOR = 2 ** 12 - 1
const MAX_MINOR = 2 ** 20 - 1
/** (XATTR_NAME_MAX) */
const MAX_XATTR_NAME = 255

/**
 * Checks entries one by one and fills in what they leave open.
 *
 * @throws InputError that names the source when there is nothing to iterate
 * @throws InputError that names the source and the entry: a path that is empty, or holds `..` or a NUL, unknown keys and
 *   types, values out of range, a stream without a size, text or bytes that are not as long as `size` and `ranges` say
 * @example
 * for await (const entry of sourceEntries([{ path: 'hello', type: 'file', content: 'hi\n' }], { source: 'entries', time })) ...
 */
export async function* sourceEntries(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  options: SourceEntriesOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  if (!isIterable(entries)) {
    const message = `expected entries that can be iterated, found ${described(entries)}`
    throw new InputError(message, { source: options.source })
  }
  let number = 0
  for await (const entry of entries) {
    number++
    yield checkedEntry(entry, number, options)
  }
}

function checkedEntry(entry: Entry, number: number, { source, time }: SourceEntriesOptions): SourceEntry {
  let name: string | undefined
  let origin: EntryOrigin = { source }
  try {
    requireObject(entry)
    name = givenName(entry)
    origin = originOf(entry) ?? origin
    return toSourceEntry(entry, time, origin)
  } catch (error) {
    if (!(error instanceof EntryProblem)) throw error
    const message = name === undefined ? `entry ${number}: ${error.message}` : error.message
    throw new InputError(message, {
      source: origin.source,
      ...(name !== undefined && { entry: name }),
      ...(origin.offset !== undefined && { offset: origin.offset }),
    })
  }
}

function originOf({ origin }: Entry): EntryOrigin | undefined {
  if (origin === undefined || origin === null) return undefined
  const { source, offset } = origin as Partial<EntryOrigin>
  if (typeof source !== 'string' || (offset !== undefined && typeof offset !== 'number')) {
    throw problem('origin', 'an object with the text "source", and "offset" in bytes if it is known', origin)
  }
  return origin
}

function requireObject(entry: unknown): void {
  if (typeof entry !== 'object' || entry === null) {
    throw new EntryProblem(`expected an object, found ${described(entry)}`)
  }
}

function toSourceEntry(entry: Entry, time: Timestamp, origin: EntryOrigin): SourceEntry {
  const { type } = entry
  if (typeof type !== 'string' || !Object.hasOwn(DEFAULT_MODE, type)) {
    throw problem('type', Object.keys(DEFAULT_MODE).join(', '), type)
  }
  checkKeys(entry)
  const path = normalisePath(bytesOf('path', entry.path, entry.pathBytes))
  const common = { path, origin, ...metadataOf(entry, time) }
  switch (type) {
    case 'file':
      return { ...common, type, ...contentOf(entry, origin) }
    case 'symlink':
    case 'hardlink':
      return { ...common, type, target: targetOf(entry) }
    case 'block':
    case 'character':
      return {
        ...common,
        type,
        major: wholeNumberOf('major', entry.major, MAX_MAJOR),
        minor: wholeNumberOf('minor', entry.minor, MAX_MINOR),
      }
    case 'directory':
    case 'fifo':
    case 'socket':
      return { ...common, type }
  }
}

function checkKeys(entry: Entry): void {
  for (const [key, value] of Object.entries(entry)) {
    if (value === undefined) continue
    if (!Object.hasOwn(KEYS, key)) throw new EntryProblem(`unknown key ${JSON.stringify(key)}`)
    const types = KEYS[key as keyof Entry]
    if (types !== undefined && !types.includes(entry.type)) {
      throw new EntryProblem(`a ${entry.type} has no "${key}"`)
    }
    // In JavaScript, null is often meant to be nothing; here it would be a value that no check expects.
    if (value === null) throw problem(key, 'a value, or to be left out', value)
  }
}

function metadataOf(entry: Entry, time: Timestamp): EntryMetadata {
  const { type, mode, uid, gid, mtime, atime, ctime, birthtime, xattrs, flags, nodatacow, unsupported } =
    entry
  return {
    mode: mode === undefined ? DEFAULT_MODE[type] : modeOf(mode),
    uid: uid === undefined ? 0 : wholeNumberOf('uid', uid, MAX_ID),
    gid: gid === undefined ? 0 : wholeNumberOf('gid', gid, MAX_ID),
    mtime: mtime === undefined ? time : timestampOf('mtime', mtime),
    ...(atime !== undefined && { atime: timestampOf('atime', atime) }),
    ...(ctime !== undefined && { ctime: timestampOf('ctime', ctime) }),
    ...(birthtime !== undefined && { birthtime: timestampOf('birthtime', birthtime) }),
    ...(xattrs !== undefined && { xattrs: xattrsOf(xattrs) }),
    ...(flags !== undefined && { flags: flagsOf(flags) }),
    ...(nodatacow !== undefined && { nodatacow: booleanOf('nodatacow', nodatacow) }),
    ...(unsupported !== undefined && { unsupported: unsupportedOf(unsupported) }),
  }
}

function modeOf(mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode
  const found = Number.isInteger(mode) && mode > 0 ? `0o${mode.toString(8)}` : described(mode)
  throw new EntryProblem(`"mode": expected permission bits from 0 to 0o7777, found ${found}`)
}

function flagsOf(flags: NonNullable<Entry['flags']>): readonly InodeFlag[] {
  if (!Array.isArray(flags)) throw problem('flags', 'an array', flags)
  for (const flag of flags as readonly InodeFlag[]) {
    if (!FLAGS.includes(flag)) throw problem('flags', FLAGS.join(', '), flag)
  }
  return FLAGS.filter((flag) => flags.includes(flag))
}

function booleanOf(key: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value
  throw problem(key, 'true or false', value)
}

function unsupportedOf(
  properties: NonNullable<Entry['unsupported']>,
): readonly UnsupportedProperty[] | undefined {
  if (!Array.isArray(properties)) throw problem('unsupported', 'an array', properties)
  for (const property of properties as readonly UnsupportedProperty[]) {
    const { kind, name } = (property ?? {}) as Partial<UnsupportedProperty>
    if ((kind !== 'acls' && kind !== 'flags') || typeof name !== 'string') {
      throw problem('unsupported', 'properties with the "kind" acls or flags and a "name"', property)
    }
  }
  return properties as readonly UnsupportedProperty[]
}

function xattrsOf(xattrs: NonNullable<Entry['xattrs']>): Xattr[] {
  if (!Array.isArray(xattrs) && !isPlainObject(xattrs)) {
    throw problem('xattrs', 'an object or an array', xattrs)
  }
  const list: readonly EntryXattr[] = isList(xattrs)
    ? xattrs
    : Object.entries(xattrs).map(([name, value]) => ({ name, value }))
  const names = new Set<ByteString>()
  return list.map((xattr) => {
    const { name: nameText, nameBytes, value } = (xattr ?? {}) as Partial<EntryXattr>
    const name = bytesOf('xattrs', nameText, nameBytes)
    if (name === '' || name.length > MAX_XATTR_NAME || name.includes('\0')) {
      throw new EntryProblem(
        `"xattrs": expected names of 1 to ${MAX_XATTR_NAME} bytes without NUL, found ${JSON.stringify(toDisplay(name))}`,
      )
    }
    if (names.has(name)) {
      throw new EntryProblem(
        `"xattrs": expected every name once, found ${JSON.stringify(toDisplay(name))} twice`,
      )
    }
    names.add(name)
    const bytes: unknown = typeof value === 'string' ? new TextEncoder().encode(value) : value
    if (!(bytes instanceof Uint8Array)) throw problem(`xattrs.${toDisplay(name)}`, 'text or bytes', value)
    return { name, value: bytes }
  })
}

/** Objects of a class (a Map, say) have their content elsewhere than in their keys. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // One from another realm is plain, too: its prototype is the last.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function isList(xattrs: NonNullable<Entry['xattrs']>): xattrs is readonly EntryXattr[] {
  return Array.isArray(xattrs)
}

function targetOf({ type, target, targetBytes }: Entry): ByteString {
  const bytes = bytesOf('target', target, targetBytes)
  if (bytes === '') throw new EntryProblem(`a ${type} without a target`)
  if (bytes.includes('\0')) throw new EntryProblem('the target of the link contains a NUL')
  if (type === 'symlink') return bytes
  let path: ByteString
  try {
    path = normalisePath(bytes)
  } catch (error) {
    if (!(error instanceof EntryProblem)) throw error
    throw new EntryProblem(`a hard link to ${JSON.stringify(toDisplay(bytes))}: ${error.message}`)
  }
  if (path === '') throw new EntryProblem("the hard link's target is the root")
  return path
}
