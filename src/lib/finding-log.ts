import type { Finding, OnFinding } from './finding.ts'

/** Findings that are kept. A badly damaged file system has thousands more. */
const MAX_KEPT = 1000

/**
 * The findings on one image, partition or file system so far. Readers come across the same damage again and again: each finding is kept and
 * passed on once. Behind the first 1,000 they are passed on alone.
 */
export class FindingLog {
  readonly #findings: Finding[] = []
  readonly #seen = new Set<string>()
  readonly #listeners = new Set<OnFinding>()

  get findings(): readonly Finding[] {
    return this.#findings
  }

  /** For readers, which take a function. */
  readonly report: OnFinding = (finding) => {
    const { where, offset, message } = finding
    const key = `${offset} ${where} ${message}`
    if (this.#seen.has(key)) return
    if (this.#findings.length < MAX_KEPT) {
      this.#seen.add(key)
      this.#findings.push(finding)
    }
    for (const listener of this.#listeners) listener(finding)
  }

  /** @returns ends the subscription */
  subscribe(listener: OnFinding): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
