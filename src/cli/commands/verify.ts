import { InvalidArgumentError, Option, type Command } from 'commander'
import type { DiskImage } from '../../image/open-image.ts'
import type { VerifyResult } from '../../image/verify.ts'
import { CorruptError } from '../../lib/errors.ts'
import { formatFinding, type Finding } from '../../lib/finding.ts'
import { parseUBootVersion } from '../../spec/notation/uboot-version.ts'
import { MAX_WORKERS } from '../../lib/options.ts'
import { debugOption, progressOption, addExamples, IMAGE, parseWholeNumber } from '../arguments.ts'
import { EndWith, EXIT } from '../exit.ts'
import { interruptible } from '../interrupt.ts'
import { refuseArchive, warn } from '../place.ts'
import { Printer, printJson } from '../print.ts'
import { styled } from '../style.ts'
import { showProgress, type ProgressMode } from '../progress.ts'
import { bytesText, columns, countText, secondsText } from '../units.ts'

interface VerifyFlags {
  progress: ProgressMode
  quick?: true
  boot?: true
  ubootVersion?: string
  workers?: number
  json?: true
}

export function addVerify(program: Command): void {
  addExamples(
    program.command('verify'),
    ['diskwright verify disk.img.zst', 'diskwright verify --boot --uboot-version 2025.01 pi.img'],
    '0 when the image is sound, 1 when it is not.',
  )
    .description('check the partition table, the file systems and every checksum')
    .argument('<image>', IMAGE)
    .option('--quick', 'check the structures only, not the content of files')
    .option('--boot', 'also check whether firmware and boot loaders can boot the image')
    .addOption(
      new Option(
        '--uboot-version <version>',
        'version of U-Boot that will boot the image, such as 2025.01, for --boot',
      ).argParser(ubootVersion),
    )
    .addOption(
      new Option(
        '--workers <n>',
        'threads that decompress, no more than cores (default: one a core)',
      ).argParser(parseWholeNumber(0, MAX_WORKERS)),
    )
    .option('--json', 'print the result as JSON')
    .addOption(progressOption())
    .addOption(debugOption())
    .action(async (image: string, flags: VerifyFlags, command: Command) => {
      if (flags.ubootVersion !== undefined && !flags.boot) command.error('--uboot-version is for --boot')
      await verify(image, flags)
    })
}

function ubootVersion(text: string): string {
  if (parseUBootVersion(text) !== undefined) return text
  throw new InvalidArgumentError('Expected a version like 2025.01.')
}

/** Prints a line for each fault of an image, and what was checked. */
async function verify(
  path: string,
  { progress, quick, boot, ubootVersion, workers, json }: VerifyFlags,
): Promise<void> {
  const lines = new Printer()
  const started = performance.now()
  const result = await verifyPath(path, { progress, quick, boot, ubootVersion, workers })
  const { findings, boot: bootFindings } = result
  if (json) await printJson(result)
  else {
    for (const finding of findings) await lines.add(`${verifyLine(finding)}\n`)
    for (const { severity, where, message } of bootFindings ?? []) {
      await lines.add(`boot: ${severity}: ${where}: ${message}\n`)
    }
    await lines.add(summary(path, result, (performance.now() - started) / 1000))
    if (bootFindings !== undefined) await lines.add(bootSummary(bootFindings))
    await lines.flush()
  }
  const boots = bootFindings?.every(({ severity }) => severity !== 'error') ?? true
  if (result.counts.error > 0 || !boots) throw new EndWith(EXIT.failed)
}

interface CommandResult extends VerifyResult {
  /** Findings that may keep the image from booting; undefined without `--boot`, or when the image cannot be opened. */
  boot?: Finding[]
}

function verifyPath(
  path: string,
  { progress: mode, quick, boot, ubootVersion, workers }: VerifyFlags,
): Promise<CommandResult> {
  const progress = showProgress(process.stderr, { mode })
  const onProgress = progress?.update
  return interruptible(async (signal) => {
    const { openImage } = await import('../../image/open-image.ts')
    const { verifyImage } = await import('../../image/verify.ts')
    const options = { signal, onNotice: warn, onProgress }
    let image: DiskImage | undefined
    try {
      image = await openImage(path, options)
    } catch (error) {
      // A partition table that is damaged beyond use is a finding.
      if (!(error instanceof CorruptError)) throw error
    }
    try {
      if (image !== undefined) await refuseArchive(path, image)
      const result = await verifyImage(image ?? path, { ...options, quick, workers })
      if (!boot || image === undefined) return result
      const { lintImage } = await import('../../boot/lint.ts')
      return { ...result, boot: await lintImage(image, { uboot: ubootVersion }) }
    } finally {
      await image?.close()
    }
  }).finally(() => progress?.clear())
}

/** `2: BTRFS: tree block 5308416 of tree 5, csum at offset 42008576: expected 3f0c9a11, found 00000000` */
function verifyLine({ partition, content = 'image', ...finding }: Finding): string {
  const where = partition === undefined ? '' : `${partition}: `
  const rank = finding.severity === 'error' ? '' : `${finding.severity}: `
  return `${rank}${where}${content.toUpperCase()}: ${formatFinding(finding)}`
}

function summary(path: string, { counts, partitions }: VerifyResult, seconds: number): string {
  const rows = partitions.map(({ number, content, label, size, isChecked, counts }) => [
    number === 0 ? '' : String(number),
    content.toUpperCase(),
    label === '' ? '' : JSON.stringify(label),
    bytesText(size),
    isChecked ? verdict(counts) : 'not checked',
  ])
  return `${path}: ${verdict(counts)}, in ${secondsText(seconds)}\n${rows.length === 0 ? '' : `${columns(rows, '  ')}\n`}`
}

function verdict({ error, warning }: VerifyResult['counts']): string {
  if (error > 0) return styled(countText(error, 'error'), 'red', process.stdout)
  const sound = styled('sound', 'green', process.stdout)
  return warning > 0 ? `${sound}, with ${countText(warning, 'warning')}` : sound
}

function bootSummary(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0) return `  boot: ${countText(errors, 'error')}\n`
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  return warnings === 0 ? '  boot: no problems found\n' : `  boot: ${countText(warnings, 'warning')}\n`
}
