/** Moves what is in one directory into another one, so that it can be taken back. */
import { chmodSync, chownSync, lstatSync, readdirSync, renameSync, utimesSync, type Stats } from 'node:fs'
import { Buffer } from 'node:buffer'
import { join } from 'node:path'
import { fromBytes, toDisplay } from '../../lib/byte-string.ts'
import { OutputError } from '../../lib/errors.ts'
import { pathBytes } from './host-path.ts'

/** Yields to the event loop now and then; throws when the work was aborted. */
export type Pause = () => Promise<void> | undefined

export class DirectoryMerge {
  readonly #from: Buffer
  readonly #to: Buffer
  readonly #replaced: string
  readonly #undo: (() => void)[] = []
  #count = 0

  /** @param replaced an empty directory, for the files that are replaced; in the same file system */
  constructor(from: string, to: string, replaced: string) {
    this.#from = Buffer.from(from)
    this.#to = Buffer.from(to)
    this.#replaced = replaced
  }

  /**
   * Files are replaced and directories are merged. Symlinks are not followed: they are no directories.
   *
   * @throws OutputError before anything is moved, when one is a directory and the other is not
   */
  async run(pause: Pause): Promise<void> {
    await this.#walk(this.#from, this.#to, pause, refuseOtherType)
    await this.#walk(this.#from, this.#to, pause, (source, target, there) =>
      this.#move(source, target, there),
    )
  }

  /** Moves everything back. @throws the first error, after everything that can be moved back was */
  undo(): void {
    const errors: unknown[] = []
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) {
      try {
        step()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }

  async #walk(from: Buffer, to: Buffer, pause: Pause, visit: Visit): Promise<void> {
    if (visit !== refuseOtherType) this.#keepAttributes(to)
    for (const name of readdirSync(from, { encoding: 'buffer' })) {
      const pausing = pause()
      if (pausing !== undefined) await pausing
      const [source, target] = [pathBytes(from, name), pathBytes(to, name)]
      const there = lstatSync(target, { throwIfNoEntry: false })
      if (there?.isDirectory() && lstatSync(source).isDirectory()) {
        await this.#walk(source, target, pause, visit)
      } else visit(source, target, there)
    }
  }

  #move(source: Buffer, target: Buffer, there: Stats | undefined): void {
    if (there !== undefined) {
      const kept = join(this.#replaced, String(this.#count++))
      renameSync(target, kept)
      this.#undo.push(() => renameSync(kept, target))
    }
    renameSync(source, target)
    this.#undo.push(() => renameSync(target, source))
  }

  /** Moving things into a directory changes its times, and extracting may change its mode and owner. */
  #keepAttributes(directory: Buffer): void {
    const { mode, uid, gid, atimeMs, mtimeMs } = lstatSync(directory)
    this.#undo.push(() => {
      if (process.geteuid?.() === 0) chownSync(directory, uid, gid)
      chmodSync(directory, mode)
      utimesSync(directory, atimeMs / 1000, mtimeMs / 1000)
    })
  }
}

type Visit = (source: Buffer, target: Buffer, there: Stats | undefined) => void

function refuseOtherType(source: Buffer, target: Buffer, there: Stats | undefined): void {
  if (there === undefined) return
  const isDirectory = lstatSync(source).isDirectory()
  if (!isDirectory && !there.isDirectory()) return
  const name = toDisplay(fromBytes(target))
  throw new OutputError(
    isDirectory
      ? `${name}: cannot replace a non-directory with a directory`
      : `${name}: cannot replace a directory with a non-directory`,
  )
}
