import { Option, type Command } from 'commander'
import type {
  ArchiveCompression,
  ExtractProgress,
  ExtractResult,
  ExtractSendResult,
} from '../../image/extract/extract.ts'
import { MAX_WORKERS } from '../../lib/options.ts'
import { debugOption, progressOption, addExamples, IMAGE, PLACE, parseWholeNumber } from '../arguments.ts'
import type { UsageError } from '../preset-options.ts'
import { findPath, parsePlace, partitionOf, withImage } from '../place.ts'
import { print, printJson } from '../print.ts'
import { showProgress, type ProgressMode } from '../progress.ts'
import { bytesText, countText, secondsText } from '../units.ts'

interface ExtractFlags {
  progress: ProgressMode
  output?: string
  tar?: string
  send?: true
  parent?: string
  proto?: number
  compressedData?: true
  compress?: ArchiveCompression
  level?: number
  workers?: number
  force?: true
  json?: true
  quiet?: true
}

export function addExtract(program: Command): void {
  addExamples(program.command('extract'), [
    'diskwright extract disk.img.zst 2:/@/etc -o etc',
    'diskwright extract disk.img 2: --tar root.tar.zst',
    'diskwright extract disk.img 2:/home.2 --send --parent /home.1 -o home.stream',
  ])
    .description('copy files out of an image, into a directory, a tar archive or a stream of btrfs send')
    .argument('<image>', IMAGE)
    .argument('[place]', `${PLACE} (default: all of the only partition)`)
    .option('-o, --output <path>', 'directory to write to, which must be new or empty; with --send a file')
    .option('--tar <file>', 'archive to write: .tar, .tar.zst, .tar.gz; - for standard output')
    .option('--send', 'write the stream of a BTRFS subvolume that btrfs receive takes; - for standard output')
    .option('--parent <path>', 'read-only subvolume that the receiver has: the stream is incremental')
    .addOption(
      new Option('--proto <version>', 'version of the stream, 1 or 2 (default: 1)').argParser(
        parseWholeNumber(1, 2),
      ),
    )
    .option('--compressed-data', 'send compressed extents as they are stored (version 2)')
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
      new Option(
        '--workers <n>',
        'threads that compress with zstd, no more than cores (default: one a core)',
      ).argParser(parseWholeNumber(0, MAX_WORKERS)),
    )
    .option('--force', 'replace an existing file; write into a directory that is not empty')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print nothing but errors')
    .addOption(progressOption())
    .addOption(debugOption())
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
  return withImage(
    path,
    async (image, signal) => {
      const asked = parsePlace(place ?? '/')
      const fileSystem = await partitionOf(image, asked, usage).open()
      const { path } = await findPath(fileSystem, asked.path)
      const { extractSend, extractTar, extractTo } = await import('../../image/extract/extract.ts')
      const progress = flags.quiet ? undefined : showProgress(process.stderr, { mode: flags.progress })
      const onProgress = ({ entries, bytes }: ExtractProgress) =>
        progress?.update({ phase: 'extract', step: 'extracting', done: bytes, total: undefined, entries })
      const { tar, output, force, send, parent } = flags
      const started = performance.now()
      try {
        const common = { path, force, onProgress, signal }
        const target = tar ?? output!
        const { compress: compression, level, workers } = flags
        const isStandard = target === '-' && (tar ?? send) !== undefined
        const archive = { output: isStandard ? process.stdout : target, compression, level, workers }
        const result =
          send === true
            ? await extractSend(fileSystem, {
                ...common,
                ...archive,
                parent: parent === undefined ? undefined : (await findPath(fileSystem, parent)).path,
                protocol: flags.proto as 1 | 2 | undefined,
                compressedData: flags.compressedData,
              })
            : tar === undefined
              ? await extractTo(fileSystem, target, common)
              : await extractTar(fileSystem, { ...common, ...archive })
        progress?.clear()
        if (flags.json) await printJson({ output: isStandard ? null : target, ...result })
        else if (!flags.quiet) {
          const text = resultText(target, result, (performance.now() - started) / 1000)
          if (isStandard) process.stderr.write(text)
          else await print(text)
        }
      } finally {
        progress?.clear()
      }
    },
    flags.quiet ? 'none' : flags.progress,
  )
}

function checkFlags(flags: ExtractFlags, usage: UsageError): void {
  const { output, tar, send, parent, proto, compressedData, compress, level, workers, json } = flags
  if ((output === undefined) === (tar === undefined)) {
    usage('expected either --output DIR or --tar FILE')
  }
  if (send && tar !== undefined) usage('expected either --send or --tar')
  if (!send && (parent ?? proto ?? compressedData) !== undefined) {
    usage('--parent, --proto and --compressed-data go with --send')
  }
  if (compressedData && proto !== 2) usage('--compressed-data needs --proto 2')
  if (tar === undefined && !send && (compress ?? level ?? workers) !== undefined) {
    usage('--compress, --level and --workers go with --tar and --send')
  }
  const isToStandardOutput = tar === '-' || (send && output === '-')
  if (isToStandardOutput && json)
    usage('--json cannot be combined with - as output: both use standard output')
  if (isToStandardOutput && process.stdout.isTTY) {
    usage('refusing to write an archive to a terminal')
  }
}

function sendText(target: string, { commands, streamBytes }: ExtractSendResult, seconds: number): string {
  const size = `${countText(commands, 'command')}, ${bytesText(streamBytes)}`
  return `${target === '-' ? 'standard output' : target}: ${size} in ${secondsText(seconds)}\n`
}

/** The counts on one line, then a line for each kind of metadata that could not be kept. */
function resultText(target: string, result: ExtractResult | ExtractSendResult, seconds: number): string {
  if ('commands' in result) return sendText(target, result, seconds)
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
