import type { InputOptions } from '../input/open-stored.ts'
import type { OnFinding } from '../lib/finding.ts'
import { ABORT_SIGNAL, FUNCTION, PATH, type OptionTable } from '../lib/options.ts'

export interface OpenOptions extends InputOptions {
  /**
   * Called with everything that is found to be damaged, from now on. Offsets are those in the image. Walks through
   * file systems then leave out what is damaged; without it damage is an error.
   */
  onFinding?: OnFinding | undefined
}

/** For functions that open an image themselves, too. */
export const OPEN_OPTIONS: OptionTable<OpenOptions> = {
  onFinding: FUNCTION,
  onNotice: FUNCTION,
  onProgress: FUNCTION,
  signal: ABORT_SIGNAL,
  temporaryDirectory: PATH,
}

/** Those of an options object that are for opening. */
export function inputOptionsOf({
  onNotice,
  onProgress,
  signal,
  temporaryDirectory,
}: InputOptions): InputOptions {
  return { onNotice, onProgress, signal, temporaryDirectory }
}
