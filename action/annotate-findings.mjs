/**
 * Prints the findings of a verification as annotations of the workflow.
 *
 * usage: node annotate-findings.mjs VERIFY.json
 */
import { readFileSync } from 'node:fs'
import { findingsOf } from './findings.mjs'

const MOST = 20
const escaped = (text) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

const findings = findingsOf(JSON.parse(readFileSync(process.argv[2], 'utf8')))
for (const { severity, text } of findings.slice(0, MOST)) {
  process.stdout.write(`::${severity}::${escaped(text)}\n`)
}
if (findings.length > MOST) process.stdout.write(`and ${findings.length - MOST} more: see verify.json\n`)
