/** The loop of the fuzzer: change an input, run it, keep it when it has reached something new. */
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import { faultOf, signatureOf, type FuzzTarget } from './target.ts'

/** Runs of a block are told apart as 0, 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128-255. */
const BUCKETS = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count <= 3) return [0, 1, 2, 4][count]
  if (count < 8) return 8
  if (count < 16) return 16
  if (count < 32) return 32
  return count < 128 ? 64 : 128
})

export interface FuzzStatus {
  executions: number
  corpus: number
  /** Blocks that were reached. */
  blocks: number
  /** Milliseconds of the slowest execution. */
  slowest: number
}

export interface FuzzHooks {
  /** Called before an input is run: should it be the last one, somebody has to know it. */
  onInput: (input: Uint8Array) => void
  onCrasher: (input: Uint8Array, fault: Error) => void
  onStatus: (status: FuzzStatus) => void
  /** Whether to end now. */
  isOver: (executions: number) => boolean
}

const STATUS_INTERVAL = 256
const MINIMISING_RUNS = 1000

export class Fuzzer {
  readonly #target: FuzzTarget
  readonly #hooks: FuzzHooks
  readonly #random: Random
  readonly #counters: Uint8Array
  /** The same bytes. */
  readonly #fours: Int32Array
  /** Buckets in which each block was seen. */
  readonly #seen: Uint8Array
  readonly #corpus: Uint8Array[] = []
  readonly #signatures = new Set<string>()
  #executions = 0
  #blocks = 0
  #slowest = 0

  /** @param counters of the instrumented product: how often each block has run, modulo 256; a multiple of 4 of them */
  constructor(target: FuzzTarget, seed: number, counters: Uint8Array, hooks: FuzzHooks) {
    this.#target = target
    this.#hooks = hooks
    this.#random = new Random(seed)
    this.#counters = counters
    this.#fours = new Int32Array(this.#counters.buffer)
    this.#seen = new Uint8Array(this.#counters.length)
  }

  async run(): Promise<FuzzStatus> {
    const { isOver, onStatus } = this.#hooks
    const seeds = await this.#target.seeds()
    for (const seed of seeds) {
      await this.#execute(seed)
      if (!this.#corpus.includes(seed)) this.#corpus.push(seed)
    }
    while (!isOver(this.#executions)) {
      await this.#execute(this.#next())
      if (this.#executions % STATUS_INTERVAL === 0) onStatus(this.#status())
    }
    return this.#status()
  }

  #status(): FuzzStatus {
    return {
      executions: this.#executions,
      corpus: this.#corpus.length,
      blocks: this.#blocks,
      slowest: this.#slowest,
    }
  }

  #next(): Uint8Array {
    const { maxLength, dictionary, repair } = this.#target
    const random = this.#random
    // What was found last leads on, most likely.
    const size = this.#corpus.length
    const at = random.oneIn(2) ? random.below(size) : Math.max(0, size - random.length(size))
    const input = this.#corpus[at]
    const other = random.pick(this.#corpus)
    const changed =
      this.#target.mutate?.(input, random, other) ?? mutate(input, random, { dictionary, other, maxLength })
    return repair && !random.oneIn(8) ? repair(changed) : changed
  }

  async #execute(input: Uint8Array): Promise<void> {
    this.#executions++
    const fault = await this.#faultOf(input)
    if (this.#hasNewCoverage()) this.#corpus.push(input.slice())
    if (fault === undefined) return
    const signature = signatureOf(fault)
    if (this.#signatures.has(signature)) return
    this.#signatures.add(signature)
    const small = await this.#minimised(input, signature)
    this.#hooks.onCrasher(small, (await this.#faultOf(small)) ?? fault)
  }

  async #faultOf(input: Uint8Array): Promise<Error | undefined> {
    this.#hooks.onInput(input)
    this.#counters.fill(0)
    const begin = performance.now()
    const fault = await faultOf(this.#target, input)
    this.#slowest = Math.max(this.#slowest, performance.now() - begin)
    return fault
  }

  #hasNewCoverage(): boolean {
    const counters = this.#counters
    const seen = this.#seen
    let isNew = false
    for (let i = 0; i < counters.length; i++) {
      // Most are 0: these are passed over four at a time.
      while ((i & 3) === 0 && i < counters.length && this.#fours[i >> 2] === 0) i += 4
      if (i >= counters.length || counters[i] === 0) continue
      const bucket = BUCKETS[counters[i]]
      if ((seen[i] & bucket) !== 0) continue
      if (seen[i] === 0) this.#blocks++
      seen[i] |= bucket
      isNew = true
    }
    return isNew
  }

  /** A part of an input with the same fault. */
  async #minimised(input: Uint8Array, signature: string): Promise<Uint8Array> {
    let small = input.slice()
    let runs = 0
    for (let step = small.length >> 1; step > 0 && runs < MINIMISING_RUNS; step >>= 1) {
      for (let at = 0; at < small.length && runs < MINIMISING_RUNS; runs++) {
        const shorter = Buffer.concat([small.subarray(0, at), small.subarray(at + step)])
        const fault = await this.#faultOf(shorter)
        if (fault !== undefined && signatureOf(fault) === signature) small = new Uint8Array(shorter)
        else at += step
      }
    }
    return small
  }
}
