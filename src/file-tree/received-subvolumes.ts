/** Which subvolumes hold what one source brought, as it was sent from elsewhere, and nothing else. */
import type { ReceivedSubvolume } from './entry.ts'
import type { SubvolumePlan } from './subvolume.ts'

export class ReceivedSubvolumes {
  /** Number of the source at hand. */
  #source = 0
  readonly #found = new Map<SubvolumePlan, { source: number; received: ReceivedSubvolume }>()

  beginSource(): void {
    this.#source++
  }

  /** Whether any have been found so far. */
  get any(): boolean {
    return this.#found.size > 0
  }

  /** The source has begun to fill an empty subvolume. */
  begin(subvolume: SubvolumePlan, received: ReceivedSubvolume): void {
    this.#found.set(subvolume, { source: this.#source, received })
  }

  /** The source at hand adds to a subvolume, and `asGiven`: exactly what it has. */
  touch(subvolume: SubvolumePlan, asGiven: boolean): void {
    if (!asGiven || this.#found.get(subvolume)?.source !== this.#source) this.#found.delete(subvolume)
  }

  get(subvolume: SubvolumePlan): ReceivedSubvolume | undefined {
    return this.#found.get(subvolume)?.received
  }
}
