/** What the supervisor and the worker of the fuzzer tell each other. */
import type { FuzzStatus } from './engine.ts'

export interface WorkerOrders {
  target: string
  seed: number
  /** Executions at most, or time in milliseconds. */
  executions: number | undefined
  milliseconds: number | undefined
  /** The input at hand: numbers (see `Shared`), and its bytes. */
  shared: SharedArrayBuffer
  bytes: SharedArrayBuffer
}

/** Indexes of the shared numbers. */
export const Shared = { executions: 0, length: 1 } as const

export type WorkerMessage =
  { kind: 'status' | 'end'; status: FuzzStatus } | { kind: 'crasher'; input: Uint8Array; fault: string }
