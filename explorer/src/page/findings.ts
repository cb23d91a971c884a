import type { Finding } from '../../../src/browser/index.ts'
import { h, nameElement } from '../../../src/cli/report/page/dom.ts'
import { formatFinding } from '../../../src/lib/finding.ts'

/** Findings that are listed. */
const SHOWN = 500

/** Findings, the gravest first. */
export function findingList(findings: readonly Finding[]): HTMLElement {
  const order = ['error', 'warning', 'notice']
  const sorted = [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
  const items = sorted
    .slice(0, SHOWN)
    .map((finding) => h('li', { class: `finding ${finding.severity}` }, nameElement(formatFinding(finding))))
  const rest = findings.length - SHOWN
  if (rest > 0) items.push(h('li', {}, `and ${rest.toLocaleString('en-US')} more`))
  return h('ul', { class: 'findings' }, ...items)
}
