import type { OutputFormat } from '../build/options.ts'
import { buildText } from './build-report.ts'
import {
  type DescriptionFlags,
  type UsageError,
  checkDescriptionFlags,
  checkStandardInput,
  loadDescription,
  withDescription,
} from './description.ts'
import { interruptible } from './interrupt.ts'
import { print, printJson } from './print.ts'
import { showProgress } from './progress.ts'

export interface BuildFlags extends DescriptionFlags {
  output: string
  format?: OutputFormat
  workers?: number
  outputLevel?: number
  profile?: true
  force?: true
  json?: true
  quiet?: true
}

/** `diskwright build`: builds an image and says what came of it. */
export async function build(spec: string | undefined, flags: BuildFlags, usage: UsageError): Promise<void> {
  checkDescriptionFlags(spec, flags, usage)
  const toStdout = flags.output === '-'
  if (toStdout && flags.json) usage('--json needs the standard output that -o - gives to the image')
  if (toStdout && process.stdout.isTTY) usage('standard output is a terminal: an image does not go there')

  const description = await loadDescription(spec, flags)
  checkStandardInput(spec, description, usage)
  const { buildImage } = await import('../index.ts')
  const started = performance.now()
  const progress = flags.quiet ? undefined : showProgress(process.stderr)
  try {
    const result = await interruptible((signal) =>
      withDescription(description, () =>
        buildImage(description.spec, {
          output: toStdout ? process.stdout : flags.output,
          format: flags.format,
          force: flags.force,
          workers: flags.workers,
          outputLevel: flags.outputLevel,
          profile: flags.profile,
          baseDirectory: description.baseDirectory,
          onProgress: progress?.update,
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
