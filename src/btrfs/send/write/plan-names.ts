/** The commands that make the names of one subvolume out of those of another one. */
import type { ByteString } from '../../../lib/byte-string.ts'
import { ROOT_INO, type NamedInode, type NamePlace } from './names.ts'

/** A change of names. Paths are those at the time of the change. */
export type NameChange =
  | { kind: 'create'; ino: number; path: ByteString }
  | { kind: 'rename'; path: ByteString; to: ByteString }
  | { kind: 'link'; path: ByteString; existing: ByteString }
  | { kind: 'unlink' | 'rmdir'; path: ByteString }

export interface NamesToMake {
  sent: ReadonlyMap<number, NamedInode>
  /** Undefined for a subvolume that begins empty. */
  parent: ReadonlyMap<number, NamedInode> | undefined
  /** By inodes that are sent: those of the parent that they are made of. */
  matches: ReadonlyMap<number, number>
}

interface LiveInode {
  isDirectory: boolean
  names: NamePlace[]
  children: Map<ByteString, number>
}

/**
 * Plans and follows the changes of names. Inodes have the numbers of the subvolume that is sent; those that only the parent
 * has have negative ones.
 */
export class NamePlan {
  /** Directories in which names have changed. */
  readonly touched = new Set<number>()
  readonly #sent: ReadonlyMap<number, NamedInode>
  readonly #live = new Map<number, LiveInode>()
  readonly #isIncremental: boolean
  /** Names of the roots, none of which a temporary name may be. */
  readonly #rootNames: Set<ByteString>
  /** Inodes that were created. */
  readonly #isNew = new Set<number>()
  #temporary = 0

  constructor({ sent, parent, matches }: NamesToMake) {
    this.#sent = sent
    this.#isIncremental = parent !== undefined
    const numbers = new Map<number, number>()
    for (const [ino, other] of matches) numbers.set(other, ino)
    const numberOf = (ino: number) => numbers.get(ino) ?? -ino
    for (const [ino, { type, names, children }] of parent ?? []) {
      this.#live.set(numberOf(ino), {
        isDirectory: type === 'directory',
        names: names.map(({ directory, name }) => ({ directory: numberOf(directory), name })),
        children: new Map(Array.from(children, ([name, child]) => [name, numberOf(child)])),
      })
    }
    if (parent === undefined) this.#live.set(ROOT_INO, { isDirectory: true, names: [], children: new Map() })
    this.#rootNames = new Set([
      ...sent.get(ROOT_INO)!.children.keys(),
      ...this.#live.get(ROOT_INO)!.children.keys(),
    ])
  }

  /** All changes, in the order in which they can be made. */
  *changes(): Generator<NameChange> {
    if (this.#isIncremental) {
      yield* this.#removeNames()
      yield* this.#moveAway()
      yield* this.#removeDirectories()
    }
    yield* this.#place()
  }

  /** The path of an inode that has a name by now. */
  pathOf(ino: number): ByteString {
    if (ino === ROOT_INO) return ''
    return this.#pathAt(this.#live.get(ino)!.names[0])
  }

  #pathAt({ directory, name }: NamePlace): ByteString {
    let path = name
    for (let at = directory; at !== ROOT_INO;) {
      const place = this.#live.get(at)!.names[0]
      path = `${place.name}/${path}`
      at = place.directory
    }
    return path
  }

  #isKept({ directory, name }: NamePlace, ino: number): boolean {
    return ino >= 0 && directory >= 0 && this.#sent.get(directory)?.children.get(name) === ino
  }

  /** Names of what is no directory: all of inodes that go, and of others those that are not needed to move it. */
  *#removeNames(): Generator<NameChange> {
    for (const ino of this.#numbers()) {
      const { isDirectory, names } = this.#live.get(ino)!
      if (isDirectory) continue
      const stale = names.filter((place) => !this.#isKept(place, ino))
      if (ino >= 0 && stale.length === names.length) stale.shift()
      for (const place of stale) {
        yield { kind: 'unlink', path: this.#pathAt(place) }
        this.#remove(place, ino)
      }
    }
  }

  /** What stays under another name goes there if it can, or else to the root, under a temporary name. */
  *#moveAway(): Generator<NameChange> {
    for (const ino of this.#numbers()) {
      if (ino < 0 || ino === ROOT_INO) continue
      const [place] = this.#live.get(ino)!.names
      if (this.#isKept(place, ino)) continue
      const free = this.#sent
        .get(ino)!
        .names.find((goal) => this.#isFree(goal) && this.#isSettled(goal.directory))
      yield this.#rename(ino, place, free ?? { directory: ROOT_INO, name: this.#temporaryName(ino) })
    }
  }

  /** Directories that go: nothing is in them any more but others of their kind. */
  *#removeDirectories(): Generator<NameChange> {
    const gone = this.#numbers()
      .filter((ino) => ino < 0 && this.#live.get(ino)!.isDirectory)
      .map((ino) => ({ ino, path: this.pathOf(ino) }))
    const depthOf = (path: ByteString) => path.split('/').length
    gone.sort((a, b) => depthOf(b.path) - depthOf(a.path) || b.ino - a.ino)
    for (const { ino, path } of gone) {
      yield { kind: 'rmdir', path }
      this.#remove(this.#live.get(ino)!.names[0], ino)
    }
  }

  /** Puts everything in its place, a directory before what it holds. */
  *#place(): Generator<NameChange> {
    const open = [ROOT_INO]
    for (let i = 0; i < open.length; i++) {
      const directory = open[i]
      for (const [name, ino] of this.#sent.get(directory)!.children) {
        const place = { directory, name }
        if (this.#live.get(directory)!.children.get(name) !== ino) yield* this.#placeOne(ino, place)
        if (this.#sent.get(ino)!.type === 'directory') open.push(ino)
      }
    }
  }

  *#placeOne(ino: number, place: NamePlace): Generator<NameChange> {
    const live = this.#live.get(ino)
    if (live === undefined) {
      yield* this.#create(ino, place)
      return
    }
    const temporary = live.names.find((each) => !this.#isKept(each, ino))
    if (temporary !== undefined) yield this.#rename(ino, temporary, place)
    else {
      const existing = this.#pathAt(live.names[0])
      this.#add(place, ino)
      yield { kind: 'link', path: this.#pathAt(place), existing }
    }
  }

  /**
   * A new inode. A directory that was there before may have properties that are inherited: what is new comes from the
   * root, as in the streams of the kernel.
   */
  *#create(ino: number, place: NamePlace): Generator<NameChange> {
    const isDirectory = this.#sent.get(ino)!.type === 'directory'
    this.#live.set(ino, { isDirectory, names: [], children: new Map() })
    const isInNew = !this.#isIncremental || place.directory === ROOT_INO || this.#isNew.has(place.directory)
    this.#isNew.add(ino)
    const first = isInNew ? place : { directory: ROOT_INO, name: this.#temporaryName(ino) }
    this.#add(first, ino)
    yield { kind: 'create', ino, path: this.#pathAt(first) }
    if (first !== place) yield this.#rename(ino, first, place)
  }

  #rename(ino: number, from: NamePlace, to: NamePlace): NameChange {
    const path = this.#pathAt(from)
    this.#remove(from, ino)
    const change: NameChange = { kind: 'rename', path, to: this.#pathAt(to) }
    this.#add(to, ino)
    return change
  }

  #add({ directory, name }: NamePlace, ino: number): void {
    this.#live.get(directory)!.children.set(name, ino)
    this.#live.get(ino)!.names.push({ directory, name })
    this.touched.add(directory)
  }

  #remove({ directory, name }: NamePlace, ino: number): void {
    this.#live.get(directory)!.children.delete(name)
    const live = this.#live.get(ino)!
    live.names = live.names.filter((place) => place.directory !== directory || place.name !== name)
    if (live.names.length === 0 && ino < 0) this.#live.delete(ino)
    this.touched.add(directory)
  }

  #isFree({ directory, name }: NamePlace): boolean {
    return this.#live.get(directory)?.children.has(name) === false
  }

  /** Whether a directory, and all above it, are where they will be. */
  #isSettled(directory: number): boolean {
    for (let at = directory; at !== ROOT_INO;) {
      const place = this.#live.get(at)?.names[0]
      if (place === undefined || !this.#isKept(place, at)) return false
      at = place.directory
    }
    return true
  }

  #numbers(): number[] {
    return [...this.#live.keys()].sort((a, b) => a - b)
  }

  #temporaryName(ino: number): ByteString {
    for (;;) {
      const name = `o${ino}-${this.#temporary++}`
      if (!this.#rootNames.has(name)) return name
    }
  }
}
