/** Opens what an image description names as sources, on a machine. */
import type { SourcePlan } from '../spec/sources/types.ts'
import { directoryOpener } from './kinds/directory.ts'
import { entriesOpener } from './kinds/entries.ts'
import { filesOpener } from './kinds/files.ts'
import type { InputPath } from './kinds/opener.ts'
import { narOpener } from './kinds/nar.ts'
import { nixOpener } from './kinds/nix.ts'
import { ociOpener } from './kinds/oci.ts'
import { sendOpener } from './kinds/send.ts'
import { tarOpener } from './kinds/tar.ts'
import { openerIn, sourcesOf, type SourceOpeners } from './source-table.ts'
import { zenfsOpener } from './kinds/zenfs.ts'

/** A new kind of source is a line here. */
const OPENERS: SourceOpeners = {
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

/**
 * The functions for sources. The path `-` of a tar means standard input.
 *
 * @throws InputError when it is missing or cannot be read, and as Selection and the readers of the kinds do
 */
export const { open: openSource, nameOf: sourceName, sizeOf: sourceSize } = sourcesOf(OPENERS)

/** Files and folders of this machine that a source reads. */
export function sourceInputs(plan: SourcePlan): readonly InputPath[] {
  return openerIn(OPENERS, plan).inputs(plan)
}
