/**
 * How sources meet, said once more: on objects that hold each other, after docs/reference/sources.md and path_resolution(7), not
 * after the product.
 */
import type { MergeRule, Replacement } from '../../../src/file-tree/merge.ts'

/** Paths are text without a slash at either end; '' is the root. */
export interface ModelEntry {
  path: string
  type: 'directory' | 'file' | 'symlink' | 'hardlink'
  target: string
  /** Seconds; tells whose metadata an inode has. */
  mtime: number
}

interface Directory {
  type: 'directory'
  mtime: number
  names: Map<string, Name>
}

type Inode = Directory | { type: 'file'; mtime: number } | { type: 'symlink'; mtime: number; target: string }

/** A name in a directory. */
interface Name {
  inode: Inode
  /** Number of the source that put the inode there. */
  by: number
}

/** As many symlinks as one path may lead through. */
const MAX_SYMLINKS = 40

/** An entry cannot be where it wants to be. */
class Refused extends Error {}

export class MergeModel {
  readonly root: Directory = newDirectory(0)
  readonly replaced: Pick<Replacement, 'path' | 'type' | 'by'>[] = []
  #source = 0
  #rule: MergeRule = 'replace'

  beginSource(rule: MergeRule): void {
    this.#source++
    this.#rule = rule
  }

  /** @returns whether it is taken */
  add(entry: ModelEntry, to: string): boolean {
    try {
      this.#add(entry, join(to, entry.path), join(to, entry.target))
      return true
    } catch (error) {
      if (error instanceof Refused) return false
      throw error
    }
  }

  #add({ type, mtime, target }: ModelEntry, path: string, linkedPath: string): void {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) {
      if (type !== 'directory') throw new Refused()
      this.root.mtime = mtime
      return
    }
    const trail = this.#parents(names)
    const directory = trail.at(-1)!.directory
    const here = [...trail.slice(1).map((step) => step.name), name].join('/')
    const there = directory.names.get(name)
    if (there?.inode.type === 'directory' && type === 'directory') {
      there.inode.mtime = mtime
      return
    }
    if (there !== undefined && there.by < this.#source) {
      if (this.#rule === 'refuse') throw new Refused()
      if (this.#rule === 'follow') {
        const leadsTo = there.inode.type === 'symlink' ? this.#lookup(path) : undefined
        if (type === 'directory' && leadsTo?.type === 'directory') return
        if (there.inode.type === 'directory' && there.inode.names.size > 0) throw new Refused()
      }
      this.replaced.push({ path: here, type: there.inode.type, by: type })
    }
    directory.names.set(name, { inode: this.#inode(type, mtime, target, linkedPath), by: this.#source })
  }

  #inode(type: ModelEntry['type'], mtime: number, target: string, linkedPath: string): Inode {
    if (type === 'directory') return newDirectory(mtime)
    if (type === 'file') return { type, mtime }
    if (type === 'symlink') return { type, mtime, target }
    const linked = this.#lookup(linkedPath, false)
    if (linked === undefined || linked.type === 'directory') throw new Refused()
    return linked
  }

  /** The way to a directory, the root first, with what is missing. Only names of the path itself are made. */
  #parents(names: readonly string[]): Step[] {
    const way = this.#walk(names, true)
    if (way === undefined || 'inode' in way) throw new Refused()
    return way
  }

  /** What a path leads to. */
  #lookup(path: string, followLast = true): Inode | undefined {
    const names = namesOf(path)
    const last = names.pop()
    if (last === undefined) return this.root
    const way = this.#walk(names, false)
    if (way === undefined || 'inode' in way) return undefined
    const found = way.at(-1)!.directory.names.get(last)?.inode
    if (found?.type !== 'symlink' || !followLast) return found
    const end = this.#walk([...names, last], false)
    if (end === undefined) return undefined
    return 'inode' in end ? end.inode : end.at(-1)!.directory
  }

  /**
   * Goes through all of the names, symlinks included.
   *
   * @returns the directories on the way, or what is at its end if it is none; undefined when it leads nowhere
   */
  #walk(names: readonly string[], makesMissing: boolean): Step[] | { inode: Inode } | undefined {
    let symlinks = 0
    /** The way that symlink targets, one within the other, and the rest of the path lead. */
    const go = (
      from: Step[],
      given: readonly string[],
      isOfPath: boolean,
    ): Step[] | { inode: Inode } | undefined => {
      let way: Step[] | { inode: Inode } = from
      for (const name of given) {
        if ('inode' in way) return undefined
        if (name === '' || name === '.') continue
        if (name === '..') {
          way = way.length > 1 ? way.slice(0, -1) : way
          continue
        }
        const { names }: Directory = way.at(-1)!.directory
        let inode: Inode | undefined = names.get(name)?.inode
        if (inode === undefined) {
          if (!isOfPath || !makesMissing) return undefined
          inode = newDirectory(0)
          names.set(name, { inode, by: this.#source })
        }
        if (inode.type === 'directory') way = [...way, { name, directory: inode }]
        else if (inode.type === 'file') way = { inode }
        else {
          if (++symlinks > MAX_SYMLINKS || inode.target === '') return undefined
          const start = inode.target.startsWith('/') ? way.slice(0, 1) : way
          const end = go(start, inode.target.split('/'), false)
          if (end === undefined) return undefined
          way = end
        }
      }
      return way
    }
    return go([{ name: '', directory: this.root }], names, true)
  }
}

interface Step {
  name: string
  directory: Directory
}

const newDirectory = (mtime: number): Directory => ({ type: 'directory', mtime, names: new Map() })
const namesOf = (path: string) => path.split('/').filter((name) => name !== '')
const join = (to: string, path: string) => [to, path].filter((part) => part !== '').join('/')

/** All names in order, each with what an inode is, and a number for the inode. */
export function listing(directory: Directory, prefix = '', inodes = new Map<Inode, number>()): string[] {
  return [...directory.names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { inode }]) => {
      const known = inodes.get(inode) ?? inodes.size
      inodes.set(inode, known)
      const path = `${prefix}${name}`
      const target = inode.type === 'symlink' ? ` -> ${inode.target}` : ''
      const line = `${path} ${inode.type} ${known} ${inode.mtime}${target}`
      return inode.type === 'directory' ? [line, ...listing(inode, `${path}/`, inodes)] : [line]
    })
}
