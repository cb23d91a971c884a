import type { Finding } from '../../../src/browser/index.ts'
import type { ProgressNote } from '../protocol.ts'

/** What a call has besides its arguments. */
export interface CallContext {
  signal: AbortSignal
  /** May be called often. */
  progress: (progress: ProgressNote) => void
  finding: (finding: Finding) => void
}
