import { Option, type Command } from 'commander'
import type { ArchiveCompression, ExtractProgress, ExtractResult } from '../../image/extract/extract.ts'
import { MAX_WORKERS } from '../../lib/options.ts'
import { debugOption, examples, IMAGE, PLACE, parseWholeNumber } from '../arguments.ts'
import type { UsageError } from '../description.ts'
import { findPath, parsePlace, partitionOf, withImage } from '../place.ts'
import { print, printJson } from '../print.ts'
import { showProgress } from '../progress.ts'
import { bytesText, countText, secondsText } from '../units.ts'

interface ExtractFlags {
  output?: string
  tar?: string
  compress?: ArchiveCompression
  level?: number
  workers?: number
  force?: true
  json?: true
  quiet?: true
}

export function addExtract(program: Command): void {
  program
    .command('extract')
    .description('copy files out of an image, into a directory or a tar archive')
    .argument('<image>', IMAGE)
    .argument('[place]', `${PLACE} (default: all of the only partition)`)
    .option('-o, --output <dir>', 'directory to write to, which must be new or empty')
    .option('--tar <file>', 'archive to write: .tar, .tar.zst, .tar.gz; - for standard output')
    .addOption(
      new Option('--compress <format>', 'compression of the archive (default: by the file name)').choices([
        'none',
        'gzip',
        'zstd',
      ]),
    )
    .addOption(
      new Option('--level <n>', 'compression level, 1 to 22 (gzip: 1 to 9)').argParser(
        parseWholeNumber(1, 22),
      ),
    )
    .addOption(
      new Option('--workers <n>', 'threads that compress with zstd (default: one a core)').argParser(
        parseWholeNumber(0, MAX_WORKERS),
      ),
    )
    .option('--force', 'replace an existing file; write into a directory that is not empty')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print nothing but errors')
    .addOption(debugOption())
    .addHelpText(
      'after',
      examples(
        'diskwright extract disk.img.zst 2:/@/etc -o etc',
        'diskwright extract disk.img 2: --tar root.tar.zst',
      ),
    )
    .action((image: string, place: string | undefined, flags: ExtractFlags, command: Command) =>
      extract(image, place, flags, (message) => command.error(message)),
    )
}

/** Copies files out of an image, into a directory or a tar archive. */
function extract(
  path: string,
  place: string | undefined,
  flags: ExtractFlags,
  usage: UsageError,
): Promise<void> {
  checkFlags(flags, usage)
  return withImage(path, async (image, signal) => {
    const asked = parsePlace(place ?? '/')
    const fileSystem = await partitionOf(image, asked, usage).open()
    const { path } = await findPath(fileSystem, asked.path)
    const { extractTar, extractTo } = await import('../../image/extract/extract.ts')
    const progress = flags.quiet ? undefined : showProgress(process.stderr)
    const onProgress = ({ entries, bytes }: ExtractProgress) =>
      progress?.update({ step: 'extracting', done: bytes, total: undefined, entries })
    const { tar, output, force } = flags
    const started = performance.now()
    try {
      const common = { path, force, onProgress, signal }
      const result =
        tar === undefined
          ? await extractTo(fileSystem, output!, common)
          : await extractTar(fileSystem, {
              ...common,
              output: tar === '-' ? process.stdout : tar,
              compression: flags.compress,
              level: flags.level,
              workers: flags.workers,
            })
      progress?.clear()
      const target = tar ?? output!
      if (flags.json) await printJson({ output: target === '-' ? null : target, ...result })
      else if (!flags.quiet) {
        const text = resultText(target, result, (performance.now() - started) / 1000)
        if (tar === '-') process.stderr.write(text)
        else await print(text)
      }
    } finally {
      progress?.clear()
    }
  })
}

function checkFlags({ output, tar, compress, level, workers, json }: ExtractFlags, usage: UsageError): void {
  if ((output === undefined) === (tar === undefined)) {
    usage('expected either --output DIR or --tar FILE')
  }
  if (tar === undefined && (compress ?? level ?? workers) !== undefined) {
    usage('--compress, --level and --workers go with --tar')
  }
  if (tar === '-' && json) usage('--json cannot be combined with --tar -: both use standard output')
  if (tar === '-' && process.stdout.isTTY) {
    usage('refusing to write an archive to a terminal')
  }
}

/** The counts on one line, then a line for each kind of metadata that could not be kept. */
function resultText(target: string, result: ExtractResult, seconds: number): string {
  const { files, directories, symlinks, specials, hardLinks, contentBytes, notKept } = result
  const counts = [
    countText(files, 'file'),
    countText(directories, 'directory', 'directories'),
    symlinks > 0 && countText(symlinks, 'symlink'),
    hardLinks > 0 && countText(hardLinks, 'hard link'),
    specials > 0 && countText(specials, 'device or pipe', 'devices and pipes'),
  ].filter((text) => text !== false)
  const name = target === '-' ? 'standard output' : target
  const lost = notKept.map(
    ({ text, count, example }) =>
      `note: ${text}: ${countText(count, 'entry', 'entries')}, first ${example}\n`,
  )
  return (
    `${name}: ${counts.join(', ')}, ${bytesText(contentBytes)} in ${secondsText(seconds)}\n` + lost.join('')
  )
}
