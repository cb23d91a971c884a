/** What all outputs are to those who write an image. */
import { afterFailure } from '../lib/clean-up.ts'
import { OutputError } from '../lib/errors.ts'
import type { ImageSink } from '../lib/image-sink.ts'

/** `img`: the image itself. `img.zst`: compressed, in frames that can be read one by one. */
export type OutputFormat = 'img' | 'img.zst'

/** An output that is open. Exactly one of `finish` and `abort` ends it. */
export interface Output {
  format: OutputFormat
  sink: ImageSink
  /**
   * Completes the image and gives the file its name, or passes everything on to the stream. When that
   * fails nothing is left behind.
   *
   * @param imageSize bytes, at least the end of what was written
   * @returns the size of the file or stream in bytes
   */
  finish(imageSize: number): Promise<{ bytes: number }>
  /** Leaves nothing behind: removes the file, breaks the stream off. Does nothing when it is finished. */
  abort(): Promise<void>
}

/** An output, but for the format of what is written to it. */
export type OpenedOutput = Omit<Output, 'format'>

/** How an output ends. */
export interface Ending {
  /** Calls `lastChance` before what cannot be undone; it throws when the output was aborted meanwhile. */
  complete(imageSize: number, lastChance: () => void): Promise<number>
  clean(): Promise<void>
}

/** Sees to it that an output ends once: completed or cleaned away. */
export function endingOnce(sink: ImageSink, ending: Ending): OpenedOutput {
  let cleaned: Promise<void> | undefined
  let tooLate = false
  const clean = () => (cleaned ??= ending.clean())
  const lastChance = () => {
    if (cleaned !== undefined) throw new OutputError('the output was aborted')
    tooLate = true
  }
  return {
    sink,
    async finish(imageSize) {
      try {
        return { bytes: await ending.complete(imageSize, lastChance) }
      } catch (error) {
        throw await afterFailure(error, clean)
      }
    },
    abort: () => (tooLate ? Promise.resolve() : clean()),
  }
}
