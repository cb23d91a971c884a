/** How a kind of source is opened. */
import type { FileHandle } from 'node:fs/promises'
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { LeavesOut } from '../directory.ts'
import type { StoreRegistry } from '../nix/registry.ts'

export interface OpenSourceOptions {
  /**
   * Called as reading goes on with the bytes read so far: of a tar file as it lies there (compressed, if it is),
   * of a directory the content of its files. Not called for entries that a program makes.
   */
  onRead?: (bytes: number) => void
  /** Ends the reading: what is being waited for throws the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Takes files over that were opened, for the caller to close. Content then has a `location` in them; without it the
   * files are open only while the result is being iterated.
   */
  retain?: ((file: FileHandle) => void) | undefined
  /** Called with what the user should know although the reading goes on. */
  onFinding?: OnFinding
  /** What earlier sources of the same Nix store have registered. Default: nothing. */
  registry?: StoreRegistry | undefined
  /** Bytes that a compressed source may expand to. Default: 16 GiB, and a thousand times its compressed bytes. */
  maxSize?: number | undefined
}

export interface OpenContext extends OpenSourceOptions {
  onFinding: OnFinding
  /** The same chunks, counted for `onRead`, and ended by the signal. */
  count: (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void>
  /** What will not be taken, and need not be looked at. */
  leavesOut: LeavesOut
  registry: StoreRegistry
}

/** A file or folder of this machine that is read: no output may lie in its place. */
export interface InputPath {
  kind: 'directory' | 'file'
  path: string
}

/** Opens sources of one kind. What all kinds have in common (`to` and the like) is not its business. */
export interface SourceOpener<Plan> {
  /** A source as messages name it. */
  nameOf(plan: Plan): string
  open(plan: Plan, context: OpenContext): AsyncIterable<SourceEntry>
  inputs(plan: Plan): readonly InputPath[]
  /** Bytes that `onRead` will count up to, where that is known before. */
  sizeOf?(plan: Plan): Promise<number | undefined>
}
