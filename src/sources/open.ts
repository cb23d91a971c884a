/** Opens what an image description names as sources, on a machine. */
import type { SourceKindPlan, SourcePlan } from '../spec/sources/types.ts'
import type { InputPath, SourceOpener } from './kinds/opener.ts'
import { sourcesOf } from './source-table.ts'

/** A new kind of source is a line here. A kind is loaded when a description has a source of it. */
const OPENERS: {
  [Kind in SourceKindPlan['kind']]: () => Promise<SourceOpener<Extract<SourceKindPlan, { kind: Kind }>>>
} = {
  tar: async () => (await import('./kinds/tar.ts')).tarOpener,
  directory: async () => (await import('./kinds/directory.ts')).directoryOpener,
  files: async () => (await import('./kinds/files.ts')).filesOpener,
  entries: async () => (await import('./kinds/entries.ts')).entriesOpener,
  nix: async () => (await import('./kinds/nix.ts')).nixOpener,
  nar: async () => (await import('./kinds/nar.ts')).narOpener,
  oci: async () => (await import('./kinds/oci.ts')).ociOpener,
  send: async () => (await import('./kinds/send.ts')).sendOpener,
  zenfs: async () => (await import('./kinds/zenfs.ts')).zenfsOpener,
}

const openerOf = ({ kind }: SourceKindPlan) => OPENERS[kind]() as Promise<SourceOpener<SourceKindPlan>>

/**
 * The functions for sources. The path `-` of a tar means standard input.
 *
 * @throws InputError when it is missing or cannot be read, and as Selection and the readers of the kinds do
 */
export const { open: openSource, nameOf: sourceName, sizeOf: sourceSize } = sourcesOf(openerOf)

/** Files and folders of this machine that a source reads. */
export async function sourceInputs(plan: SourcePlan): Promise<readonly InputPath[]> {
  return (await openerOf(plan)).inputs(plan)
}
