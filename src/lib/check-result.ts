import type { Finding, OnFinding } from './finding.ts'

/** Findings that a result holds; `onFinding` is called with all of them. */
export const MAX_KEPT_FINDINGS = 1000

/** The result of a check. */
export interface CheckResult {
  /** The first `MAX_KEPT_FINDINGS` findings, in the order in which they were made. No error among them: what was checked is sound. */
  findings: Finding[]
  /** Findings in all. */
  findingCount: number
}

/** Runs a check and keeps its findings, each of which is passed on as well. */
export async function collectFindings(
  check: (onFinding: OnFinding) => Promise<void>,
  onFinding?: OnFinding,
): Promise<CheckResult> {
  const result: CheckResult = { findings: [], findingCount: 0 }
  await check((finding) => {
    if (result.findingCount++ < MAX_KEPT_FINDINGS) result.findings.push(finding)
    onFinding?.(finding)
  })
  return result
}
