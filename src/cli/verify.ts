import type { ImageFault, VerifyResult } from '../image/verify.ts'
import { formatFinding, type Finding } from '../lib/finding.ts'
import { EndWith, EXIT } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { warn } from './place.ts'
import { Printer, printJson } from './print.ts'
import { showProgress } from './progress.ts'
import { bytesText, columns, countText, secondsText } from './units.ts'

export interface VerifyFlags {
  quick?: true
  boot?: true
  uboot?: string
  json?: true
}

/** `diskwright verify`: prints what is wrong with an image, a line each, and what was checked. */
export async function verify(path: string, { quick, boot, uboot, json }: VerifyFlags): Promise<void> {
  const { verifyImage } = await import('../image/verify.ts')
  const progress = showProgress(process.stderr)
  const lines = new Printer()
  const faults: ImageFault[] = []
  const started = performance.now()
  const result = await interruptible((signal) =>
    verifyImage(path, {
      quick: quick ?? false,
      ...(boot && { boot: { uboot } }),
      signal,
      onNotice: warn,
      onFinding: (fault) => faults.push(fault),
      onProgress: ({ step, done, total }) => progress?.update({ step, done, total, entries: 0 }),
    }),
  ).finally(() => progress?.clear())
  if (json) await printJson({ ...result, faults })
  else {
    for (const fault of faults) await lines.add(`${imageFaultText(fault)}\n`)
    for (const { severity, where, message } of result.boot ?? []) {
      await lines.add(`boot: ${severity}: ${where}: ${message}\n`)
    }
    await lines.add(summary(path, result, (performance.now() - started) / 1000))
    if (result.boot !== undefined) await lines.add(bootSummary(result.boot))
    await lines.flush()
  }
  const boots = result.boot?.every(({ severity }) => severity !== 'error') ?? true
  if (result.faults > 0 || !boots) throw new EndWith(EXIT.failed)
}

/** `2: BTRFS: tree block 5308416 of tree 5, csum at offset 42008576: expected 3f0c9a11, found 00000000` */
export function imageFaultText({ partition, content, ...fault }: ImageFault): string {
  const where = partition === undefined ? '' : `${partition}: `
  return `${where}${content.toUpperCase()}: ${formatFinding(fault)}`
}

function summary(path: string, { faults, partitions }: VerifyResult, seconds: number): string {
  const verdict = faults === 0 ? 'sound' : countText(faults, 'fault')
  const rows = partitions.map(({ number, content, label, size, isChecked, faults }) => [
    number === 0 ? '' : String(number),
    content.toUpperCase(),
    label === '' ? '' : JSON.stringify(label),
    bytesText(size),
    !isChecked ? 'not checked' : faults === 0 ? 'sound' : countText(faults, 'fault'),
  ])
  return `${path}: ${verdict}, in ${secondsText(seconds)}\n${rows.length === 0 ? '' : `${columns(rows, '  ')}\n`}`
}

function bootSummary(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0) return `  boot: ${countText(errors, 'error')}\n`
  return findings.length === 0
    ? '  boot: nothing is in the way\n'
    : `  boot: ${countText(findings.length, 'warning')}\n`
}
