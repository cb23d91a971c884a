import type { ArchiveCompression, ExtractProgress, ExtractResult } from '../image/extract/extract.ts'
import type { UsageError } from './description.ts'
import { findPath, parsePlace, partitionOf, withImage } from './place.ts'
import { print, printJson } from './print.ts'
import { showProgress } from './progress.ts'
import { bytesText, countText, secondsText } from './units.ts'

export interface ExtractFlags {
  output?: string
  tar?: string
  compress?: ArchiveCompression
  level?: number
  workers?: number
  force?: true
  json?: true
  quiet?: true
}

/** `diskwright extract`: files of an image, into a directory or a tar archive. */
export function extract(
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
    const { extractTar, extractTo } = await import('../image/extract/extract.ts')
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
  if (tar === '-' && json) usage('--json needs the standard output that --tar - gives to the archive')
  if (tar === '-' && process.stdout.isTTY) {
    usage('standard output is a terminal: an archive does not go there')
  }
}

/** What was extracted, and what could not be kept, a line each. */
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
