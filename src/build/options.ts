import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import type { Finding } from '../lib/finding.ts'
import {
  ABORT_SIGNAL,
  BOOLEAN,
  checkOptions,
  FUNCTION,
  oneOf,
  PATH,
  required,
  wholeNumber,
  WORKERS,
  type OptionTable,
} from '../lib/options.ts'
import { MAX_ZSTD_LEVEL } from '../lib/zstd/codec.ts'
import type { OutputFormat } from '../output/output.ts'
import type { Progress, ReplacedEntry } from './progress.ts'

export interface BuildOptions {
  /** A path, or a stream; a stream is ended when the image is whole and destroyed when the build fails. */
  output: string | Writable | WritableStream<Uint8Array>
  /** Default: `img.zst` when the output is a path that ends in `.zst`, else `img`. */
  format?: OutputFormat | undefined
  /** zstd level, 1 to 22, for what an `img.zst` has to compress itself; default 3. Extents stay as they are. */
  outputLevel?: number | undefined
  /** Replace an existing file; the new one takes its mode and owner. */
  force?: boolean | undefined
  /**
   * Threads that compress and checksum, at most. Default: as many as the machine runs at once, which is also the most
   * that are started. 0 does it all in this thread. The bytes of the image do not depend on it.
   */
  workers?: number | undefined
  /** Folder that relative paths of the description start from; default: the working directory. */
  baseDirectory?: string | undefined
  /**
   * Bytes of content that all sources together may bring. Default: any, but a compressed archive that expands to more than
   * 16 GiB and a thousand times its compressed bytes is refused.
   */
  maxSize?: number | undefined
  /** Called often (several times a megabyte); it should return at once. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Called with each finding of the result as it is made. */
  onFinding?: ((finding: Finding) => void) | undefined
  /** Called with each entry of a source whose place an entry of a later one takes. */
  onReplace?: ((replaced: ReplacedEntry) => void) | undefined
  /** Measure where the time goes: `profile` of the result. */
  profile?: boolean | undefined
  /** Ends the build early: nothing is left behind, and the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined
}

const OPTIONS: OptionTable<BuildOptions> = {
  output: required({
    expected: 'a path, a Writable or a WritableStream',
    accepts: (value) => typeof value === 'string' || isStream(value),
  }),
  format: oneOf(['img', 'img.zst'] satisfies OutputFormat[]),
  outputLevel: wholeNumber(1, MAX_ZSTD_LEVEL),
  force: BOOLEAN,
  workers: WORKERS,
  baseDirectory: PATH,
  maxSize: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  onProgress: FUNCTION,
  onFinding: FUNCTION,
  onReplace: FUNCTION,
  profile: BOOLEAN,
  signal: ABORT_SIGNAL,
}

/** @throws TypeError or RangeError that names the option */
export function checkBuildOptions(options: BuildOptions): void {
  checkOptions('buildImage', options, OPTIONS)
}

/** Duck-typed: a stream may come from another copy of its library. */
function isStream(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return ['write', 'getWriter'].some((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}
