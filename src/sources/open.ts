/** Opens what an image description names as sources. */
import type { SourceEntry } from '../file-tree/entry.ts'
import type { SourceKindPlan, SourcePlan } from '../spec/sources/types.ts'
import type { LeavesOut } from './directory.ts'
import { directoryOpener } from './kinds/directory.ts'
import { entriesOpener } from './kinds/entries.ts'
import { filesOpener } from './kinds/files.ts'
import type { InputPath, OpenSourceOptions, SourceOpener } from './kinds/opener.ts'
import { narOpener } from './kinds/nar.ts'
import { nixOpener } from './kinds/nix.ts'
import { ociOpener } from './kinds/oci.ts'
import { sendOpener } from './kinds/send.ts'
import { tarOpener } from './kinds/tar.ts'
import { StoreRegistry } from './nix/registry.ts'
import { zenfsOpener } from './kinds/zenfs.ts'
import { Selection } from './selection.ts'

/** A new kind of source is a line here. */
const OPENERS: {
  [Kind in SourceKindPlan['kind']]: SourceOpener<Extract<SourceKindPlan, { kind: Kind }>>
} = {
  tar: tarOpener,
  directory: directoryOpener,
  files: filesOpener,
  entries: entriesOpener,
  nix: nixOpener,
  nar: narOpener,
  oci: ociOpener,
  send: sendOpener,
  zenfs: zenfsOpener,
}

const openerOf = ({ kind }: SourceKindPlan) => OPENERS[kind] as SourceOpener<SourceKindPlan>

/**
 * What is taken of a source, in its order: of the common keys only `to` is not applied. The path `-` of a tar means
 * standard input.
 *
 * @throws InputError when it is missing or cannot be read, and as Selection and the readers of the kinds do
 */
export function openSource(plan: SourcePlan, options: OpenSourceOptions = {}): AsyncIterable<SourceEntry> {
  let bytes = 0
  const { onRead, signal, registry = new StoreRegistry() } = options
  const count = (chunks: AsyncIterable<Uint8Array>) =>
    counted(chunks, signal, (length) => onRead?.((bytes += length)))
  const opener = openerOf(plan)
  const selection = plan.selection && new Selection(plan.selection)
  const leavesOut: LeavesOut = (path, isDirectory) => selection?.leavesOut(path, isDirectory) ?? false
  const entries = opener.open(plan, { onFinding: () => undefined, ...options, count, leavesOut, registry })
  return selection?.apply(entries, opener.nameOf(plan), options.onFinding ?? (() => undefined)) ?? entries
}

/** A source as messages name it. */
export function sourceName(plan: SourcePlan): string {
  return openerOf(plan).nameOf(plan)
}

/** Files and folders of this machine that a source reads. */
export function sourceInputs(plan: SourcePlan): readonly InputPath[] {
  return openerOf(plan).inputs(plan)
}

/** Bytes that `onRead` will count up to, if that is known before: for a tar file. */
export async function sourceSize(plan: SourcePlan): Promise<number | undefined> {
  return openerOf(plan).sizeOf?.(plan)
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
