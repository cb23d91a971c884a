import { Option, type Command } from 'commander'
import type { OutputFormat, ReplacedEntry } from '../../index.ts'
import { buildText } from '../build-report.ts'
import { checkStandardInput, INPUT, loadDescription, withDescription } from '../description.ts'
import { addDescriptionOptions, type DescriptionFlags, type UsageError } from '../preset-options.ts'
import { warn } from '../place.ts'
import { MAX_WORKERS } from '../../lib/options.ts'
import {
  debugOption,
  progressOption,
  addExamples,
  parseSizeArgument,
  parseWholeNumber,
} from '../arguments.ts'
import { limitInlining } from '../inlining.ts'
import { interruptible } from '../interrupt.ts'
import { print, printJson } from '../print.ts'
import { showProgress, type ProgressMode } from '../progress.ts'

interface BuildFlags extends DescriptionFlags {
  progress: ProgressMode
  output?: string
  format?: OutputFormat
  workers?: number
  outputLevel?: number
  maxSize?: number
  profile?: true
  force?: true
  json?: true
  quiet?: true
  verbose?: true
}

export function addBuild(program: Command): void {
  const command = addExamples(program.command('build'), [
    'diskwright build rootfs.tar -o disk.img',
    'diskwright build image.json -o disk.img.zst',
    'mmdebstrap bookworm - | diskwright build - --preset plain -o debian.img',
    'diskwright build --closure closure.tar.zst --firmware firmware -o pi.img',
    'nix-store ... | diskwright build --closure - -o - | ssh host dd of=/dev/sdX',
  ])
    .description('build an image from a description, or from content with a built-in preset')
    .argument('[input]', INPUT)
    .option('-o, --output <file>', 'image to write: .img or .img.zst; - for standard output')
  addDescriptionOptions(command)
    .addOption(
      new Option('--format <format>', 'output format (default: by the file name)').choices([
        'img',
        'img.zst',
      ]),
    )
    .addOption(
      new Option(
        '--workers <n>',
        'compression threads, no more than cores; 0 uses the main thread only (default: one a core)',
      ).argParser(parseWholeNumber(0, MAX_WORKERS)),
    )
    .addOption(
      new Option(
        '--output-level <n>',
        'zstd level of an .img.zst, 1 to 22, for content that is not compressed yet',
      ).argParser(parseWholeNumber(1, 22)),
    )
    .addOption(
      new Option(
        '--max-size <size>',
        'limit of the content of all sources, such as 8GiB (default: none, but decompression bombs are refused)',
      ).argParser(parseSizeArgument),
    )
    .option('--profile', 'report where the time went')
    .option('--force', 'replace an existing file')
    .option('--verbose', 'name what entries of later sources replace')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print nothing but errors')
    .addOption(progressOption())
    .addOption(debugOption())
    .action((input: string | undefined, flags: BuildFlags, command: Command) =>
      build(input, flags, (message) => command.error(message)),
    )
}

function showReplaced(
  { path, type, by, source }: ReplacedEntry,
  progress: { clear(): void } | undefined,
): void {
  progress?.clear()
  process.stderr.write(`replaced: ${path} (${type}) by the ${by} of ${source}\n`)
}

/** Builds an image and reports what is in it. */
async function build(input: string | undefined, flags: BuildFlags, usage: UsageError): Promise<void> {
  limitInlining()
  const { output } = flags
  if (output === undefined) usage('missing option -o: name the image to write, for example -o disk.img')
  const toStdout = output === '-'
  if (toStdout && flags.json) usage('--json cannot be combined with -o -: both use standard output')
  if (toStdout && process.stdout.isTTY) usage('refusing to write an image to a terminal')

  if (!toStdout) {
    const { checkOutputPath } = await import('../../build/output-place.ts')
    await checkOutputPath(output, flags)
  }
  const mode = flags.quiet ? 'none' : flags.progress
  const description = await loadDescription(input, flags, { usage, progress: mode })
  checkStandardInput(input, description, usage)
  if (!flags.quiet) description.notes.forEach(warn)
  const { buildImage } = await import('../../build/build-image.ts')
  const started = performance.now()
  const progress = showProgress(process.stderr, { mode })
  try {
    const result = await interruptible((signal) =>
      withDescription(description, () =>
        buildImage(description.spec, {
          output: toStdout ? process.stdout : output,
          format: flags.format,
          force: flags.force,
          workers: flags.workers,
          outputLevel: flags.outputLevel,
          maxSize: flags.maxSize,
          profile: flags.profile,
          baseDirectory: description.baseDirectory,
          onProgress: progress?.update,
          onReplace: flags.verbose ? (replaced) => showReplaced(replaced, progress) : undefined,
          signal,
        }),
      ),
    )
    progress?.clear()
    if (flags.json) await printJson(result)
    else if (!flags.quiet) {
      const text = buildText(result, { seconds: (performance.now() - started) / 1000 })
      if (toStdout) process.stderr.write(text)
      else await print(text)
    }
  } finally {
    progress?.clear()
  }
}
