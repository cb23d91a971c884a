/** mtree(5) manifests, as bsdtar and the mtree programs of NetBSD and FreeBSD write them. */
import type { InodeFlag, Timestamp } from '../../file-tree/entry.ts'
import { normalisePath } from '../../file-tree/entry-path.ts'
import { EntryProblem } from '../../file-tree/entry-problem.ts'
import { toDisplay, toLatin1, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { parseModeChange } from '../../file-tree/mode-change.ts'
import type { ManifestEntry } from './manifest.ts'
import type { NameTables } from '../../tar/names.ts'
import { parseDevice } from './mtree-device.ts'
import { unvis } from './vis.ts'

const TYPES: Record<string, ManifestEntry['type']> = {
  file: 'file',
  dir: 'directory',
  link: 'symlink',
  fifo: 'fifo',
  socket: 'socket',
  block: 'block',
  char: 'character',
}

/** Keywords that are digests, by the names of node:crypto. */
const DIGESTS: Record<string, string> = {
  md5: 'md5',
  md5digest: 'md5',
  rmd160: 'rmd160',
  rmd160digest: 'rmd160',
  ripemd160digest: 'rmd160',
  sha1: 'sha1',
  sha1digest: 'sha1',
  sha256: 'sha256',
  sha256digest: 'sha256',
  sha384: 'sha384',
  sha384digest: 'sha384',
  sha512: 'sha512',
  sha512digest: 'sha512',
}

/** Keywords that say nothing of what an image holds. */
const NOT_HEEDED = new Set(['nlink', 'cksum', 'inode', 'resdevice', 'tags', 'all'])
/** Keywords for owners: the number, the table of names, and the names that every system has for the number 0. */
const OWNERS = {
  uname: { key: 'uid', table: 'users', file: '/etc/passwd', root: ['root', 'toor'] },
  gname: { key: 'gid', table: 'groups', file: '/etc/group', root: ['root', 'wheel'] },
} as const

/** chflags(1) -> chattr(1). */
const FLAGS: Record<string, InodeFlag> = {
  uappnd: 'append',
  uappend: 'append',
  sappnd: 'append',
  sappend: 'append',
  uchg: 'immutable',
  uchange: 'immutable',
  uimmutable: 'immutable',
  schg: 'immutable',
  schange: 'immutable',
  simmutable: 'immutable',
  nodump: 'nodump',
}
const NO_FLAGS = new Set(['', 'none', 'arch', 'uarch', 'archived', 'uarchive'])

const CONTINUED = /(?<!\\)(?:\\\\)*\\\r?$/

type Keywords = Map<string, ByteString>

/** Reads one manifest, line by line. */
export class MtreeReader {
  readonly #source: string
  readonly #names: NameTables | undefined
  readonly #entries = new Map<ByteString, ManifestEntry>()
  /** What /set says. */
  #defaults: Keywords = new Map()
  /** The directory that relative names lie in; undefined: nothing has been entered. */
  #directory: ByteString | undefined
  #line = 0

  /**
   * @param source for messages
   * @param names what names stand for, numbers notwithstanding; undefined: numbers count, and only root's names are known
   */
  constructor(source: string, names?: NameTables) {
    this.#source = source
    this.#names = names
  }

  /**
   * The entries by path. Of several for one path, later keywords win.
   *
   * @throws InputError with the line for what mtree(5) does not have
   */
  read(text: ByteString): Map<ByteString, ManifestEntry> {
    const lines = `${text}`.split('\n')
    for (let i = 0; i < lines.length; i++) {
      this.#line = i + 1
      const parts = [lines[i]]
      // An odd number of backslashes at the end: the last one continues the line.
      while (CONTINUED.test(parts.at(-1)!) && i + 1 < lines.length) {
        parts.push(parts.pop()!.replace(/\\\r?$/, ''), lines[++i])
      }
      this.#readLine(parts.join(' '))
    }
    return this.#entries
  }

  #readLine(line: string): void {
    const words = line.split(/[ \t\r]+/).filter((word) => word !== '')
    const name = words.at(0)
    if (name === undefined || name.startsWith('#')) return
    if (name === '/set') this.#defaults = new Map([...this.#defaults, ...this.#keywords(words.slice(1))])
    else if (name === '/unset') this.#unset(words.slice(1))
    else if (name === '..') this.#leave(words)
    else this.#add(name, this.#keywords(words.slice(1)))
  }

  #unset(names: readonly string[]): void {
    if (names.includes('all')) this.#defaults = new Map()
    for (const name of names) this.#defaults.delete(name)
  }

  #leave(words: readonly string[]): void {
    if (words.length > 1) throw this.#fail('".." with keywords')
    if (this.#directory === undefined || this.#directory === '') {
      // NetBSD's mtree ends its output by leaving the root.
      if (this.#directory === undefined) throw this.#fail('".." leaves the root')
      this.#directory = undefined
      return
    }
    this.#directory = this.#directory.slice(0, Math.max(0, this.#directory.lastIndexOf('/')))
  }

  #add(encoded: ByteString, own: Keywords): void {
    const name = unvis(encoded)
    if (name === undefined)
      throw this.#fail(`expected a name in the escapes of vis(3), found "${toDisplay(encoded)}"`)
    const keywords = new Map([...this.#defaults, ...own])
    // A slash anywhere makes it a path from the root; NetBSD writes them with a leading "./".
    const isFull = toLatin1(name).includes('/')
    const isRoot = name === '.'
    const path = this.#pathOf(
      isFull || isRoot
        ? name
        : this.#directory === undefined || this.#directory === ''
          ? name
          : `${this.#directory}/${name}`,
    )
    const known = this.#entries.get(path)
    const entry = this.#entryOf(path, keywords)
    this.#entries.set(path, known === undefined ? entry : { ...known, ...entry })
    if (!isFull && entry.type === 'directory') this.#directory = path
  }

  #pathOf(name: ByteString): ByteString {
    try {
      return normalisePath(name)
    } catch (error) {
      if (error instanceof EntryProblem) throw this.#fail(`"${toDisplay(name)}": ${error.message}`)
      throw error
    }
  }

  #keywords(words: readonly string[]): Keywords {
    return new Map(
      words.map((word) => {
        const equals = word.indexOf('=')
        return equals === -1 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)]
      }),
    )
  }

  #entryOf(path: ByteString, keywords: Keywords): ManifestEntry {
    const entry: ManifestEntry = { path, where: `line ${this.#line}` }
    const digests: { algorithm: string; value: string }[] = []
    let size: number | undefined
    for (const [keyword, value] of keywords) {
      if (NOT_HEEDED.has(keyword)) continue
      const text = toLatin1(value)
      if (keyword in DIGESTS) {
        digests.push({
          algorithm: DIGESTS[keyword],
          value: this.#matching(keyword, text, /^[0-9a-fA-F]+$/, 'hexadecimal digits').toLowerCase(),
        })
      } else if (keyword === 'size') size = this.#number(keyword, text)
      else this.#set(entry, keyword, value, keywords)
    }
    const isFile = entry.type === undefined || entry.type === 'file'
    if (isFile && (size !== undefined || digests.length > 0)) entry.expected = { size, digests }
    const isDevice = entry.type === 'block' || entry.type === 'character'
    // Values of /set are for entries of all types.
    return {
      ...entry,
      ...(!isDevice && { device: undefined }),
      ...(entry.type !== 'symlink' && { target: undefined }),
    }
  }

  #set(entry: ManifestEntry, keyword: string, value: ByteString, keywords: Keywords): void {
    const text = toLatin1(value)
    switch (keyword) {
      case 'type':
        if (!Object.hasOwn(TYPES, text))
          throw this.#fail(
            `type: expected one of ${Object.keys(TYPES).join(', ')}, found "${toDisplay(value)}"`,
          )
        entry.type = TYPES[text]
        break
      case 'mode':
        entry.mode = this.#mode(text)
        break
      case 'uid':
      case 'gid': {
        const number = this.#number(keyword, text, 0xffff_ffff)
        // A name that is known counts, whichever comes first.
        entry[keyword] ??= number
        break
      }
      case 'flags':
        entry.flags = this.#flags(text)
        break
      case 'uname':
      case 'gname':
        this.#setNamed(entry, keyword, text, keywords)
        break
      case 'time':
        entry.mtime = this.#time(text)
        break
      case 'link':
        entry.target = unvis(value)
        if (entry.target === undefined || entry.target === '')
          throw this.#fail('link: expected a target in the escapes of vis(3)')
        break
      case 'device':
        entry.device = parseDevice(text)
        if (entry.device === undefined)
          throw this.#fail(
            `device: expected numbers like "native,5,1" or "0x501", found "${toDisplay(value)}"`,
          )
        break
      case 'optional':
      case 'nochange':
      case 'ignore':
        entry[keyword] = true
        break
      default:
        throw this.#fail(`unknown keyword "${toDisplay(keyword)}"`)
    }
  }

  /** Who has which name is known where the manifest was made, or in the tables of the folder. */
  #setNamed(entry: ManifestEntry, keyword: 'uname' | 'gname', name: string, keywords: Keywords): void {
    const { key, table, file, root } = OWNERS[keyword]
    const known = this.#names?.[table].get(name) ?? (root.some((each) => each === name) ? 0 : undefined)
    if (keywords.has(key) && (this.#names === undefined || known === undefined)) return
    if (known === undefined) {
      const what = `${keyword}=${toDisplay(name)} without ${key}`
      throw this.#fail(
        this.#names === undefined
          ? `${what}: a name is not a number; have mtree write ${key} as well, or look names up in the folder's ${file} ("resolveNames")`
          : `${what}, and the folder's ${file} does not have the name`,
      )
    }
    entry[key] = known
  }

  /** Those that Linux has; of the others only `none` and what archivers keep for themselves is no loss. */
  #flags(text: string): readonly InodeFlag[] | undefined {
    const flags = text.split(',').flatMap((name): InodeFlag[] => {
      if (NO_FLAGS.has(name)) return []
      if (!Object.hasOwn(FLAGS, name)) {
        throw this.#fail(
          `flags: expected some of ${Object.keys(FLAGS).join(', ')}, found "${toDisplay(name)}"`,
        )
      }
      return [FLAGS[name]]
    })
    return flags.length === 0 ? undefined : [...new Set(flags)].sort()
  }

  /** Octal digits; those of NetBSD may be symbolic, from nothing. */
  #mode(text: string): number {
    const mode = /^[0-7]{1,6}$/.test(text) ? parseInt(text, 8) & 0o7777 : parseModeChange(text)?.(0, false)
    if (mode === undefined) throw this.#fail(`mode: expected permissions, found "${toDisplay(text)}"`)
    return mode
  }

  /** `seconds.nanoseconds`: libarchive writes the nanoseconds without leading zeros, the mtree programs with nine digits. */
  #time(text: string): Timestamp {
    const [, sec, nsec = '0'] = /^(-?\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? []
    if (sec === undefined) throw this.#fail(`time: expected seconds.nanoseconds, found "${toDisplay(text)}"`)
    return { sec: Number(sec), nsec: Number(nsec) }
  }

  #number(keyword: string, text: string, most = Number.MAX_SAFE_INTEGER): number {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (number <= most) return number
    throw this.#fail(`${keyword}: expected a number up to ${most}, found "${toDisplay(text)}"`)
  }

  #matching(keyword: string, text: string, pattern: RegExp, what: string): string {
    if (pattern.test(text)) return text
    throw this.#fail(`${keyword}: expected ${what}, found "${toDisplay(text)}"`)
  }

  #fail(message: string): InputError {
    return new InputError(`line ${this.#line}: ${message}`, { source: this.#source })
  }
}
