/** What a build reports while it goes on. No type of Node: browsers have it as well. */
import type { EntryType } from '../file-tree/entry.ts'

/** An entry whose place another one took. */
export interface ReplacedEntry {
  /** Path in the partition, with a leading slash. */
  path: string
  /** What was there. */
  type: EntryType
  /** What is there now. */
  by: EntryType
  /** The source that it comes from. */
  source: string
}

/** A word for each kind of step; new ones may be added. */
export type BuildPhase = 'examine' | 'read' | 'boot-files' | 'trees' | 'write' | 'finish'

export interface Progress {
  /** The kind of step, for programs. */
  phase: BuildPhase
  /** The step for people, a few words in lower case: `reading closure.tar.zst`. */
  step: string
  /** Bytes of this step that are done. */
  done: number
  /** Bytes of this step, where they are known. */
  total: number | undefined
  /** Entries of all sources so far. */
  entries: number
}
