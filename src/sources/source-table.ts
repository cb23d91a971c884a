/** What all kinds of sources have in common, on a machine and in a browser. */
import type { SourceEntry } from '../file-tree/entry.ts'
import type { SourceKindPlan, SourcePlan } from '../spec/sources/types.ts'
import type { LeavesOut } from './directory.ts'
import type { OpenSourceOptions, SourceOpener } from './kinds/opener.ts'
import { StoreRegistry } from './nix/registry.ts'
import { Selection } from './selection.ts'

/** The functions for sources, given how their kinds are opened. */
export interface Sources {
  /** What is taken of a source, in its order: of the common keys only `to` is not applied. */
  open: (plan: SourcePlan, options?: OpenSourceOptions) => Promise<AsyncIterable<SourceEntry>>
  /** A source as messages name it. */
  nameOf: (plan: SourcePlan) => Promise<string>
  /** Bytes that `onRead` will count up to, if that is known before: for a tar file. */
  sizeOf: (plan: SourcePlan) => Promise<number | undefined>
}

/** @param openerOf finds how the kind of a source is opened */
export function sourcesOf(
  openerOf: (plan: SourceKindPlan) => Promise<SourceOpener<SourceKindPlan>>,
): Sources {
  return {
    async open(plan, options = {}) {
      let bytes = 0
      const { onRead, signal, registry = new StoreRegistry() } = options
      const count = (chunks: AsyncIterable<Uint8Array>) =>
        counted(chunks, signal, (length) => onRead?.((bytes += length)))
      const opener = await openerOf(plan)
      const selection = plan.selection && new Selection(plan.selection)
      const leavesOut: LeavesOut = (path, isDirectory) => selection?.leavesOut(path, isDirectory) ?? false
      const entries = opener.open(plan, {
        onFinding: () => undefined,
        ...options,
        count,
        leavesOut,
        registry,
      })
      return selection?.apply(entries, opener.nameOf(plan), options.onFinding ?? (() => undefined)) ?? entries
    },
    nameOf: async (plan) => (await openerOf(plan)).nameOf(plan),
    sizeOf: async (plan) => (await openerOf(plan)).sizeOf?.(plan),
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  onBytes: (length: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted()
  for await (const chunk of chunks) {
    signal?.throwIfAborted()
    onBytes(chunk.length)
    yield chunk
  }
}
