import type { Command } from 'commander'
import { basename, resolve } from 'node:path'
import { fromText, toDisplay } from '../../lib/byte-string.ts'
import { afterFailure } from '../../lib/clean-up.ts'
import { namingErrors } from '../../lib/output-error.ts'
import { createBeside } from '../../lib/temporary-file.ts'
import { debugOption, examples, IMAGE } from '../arguments.ts'
import { reportText } from '../inspect-report.ts'
import { withImage } from '../place.ts'
import { print, printJson } from '../print.ts'
import { htmlReport } from '../report/html-report.ts'

interface InspectFlags {
  json?: true
  /** Path of the page to write. */
  html?: string
  force?: true
}

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('show what an image consists of, and what takes how much space')
    .argument('<image>', IMAGE)
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'write the report as a single HTML page that needs no network')
    .option('--force', 'replace an existing page')
    .addOption(debugOption())
    .addHelpText('after', examples('diskwright inspect disk.img.zst --html report.html'))
    .action(inspect)
}

/** Reports what an image consists of, and what takes how much space. */
async function inspect(path: string, flags: InspectFlags): Promise<void> {
  await withImage(path, async (image, signal) => {
    const { inspectImage } = await import('../../image/inspect.ts')
    const report = await inspectImage(image, { signal })
    if (flags.html !== undefined) {
      const name = toDisplay(fromText(basename(resolve(path))))
      await writeFile(flags.html, htmlReport(report, name), flags.force ?? false)
    }
    if (flags.json !== undefined) await printJson(report)
    else if (flags.html === undefined) await print(reportText(report))
  })
}

/** The file is there when it is whole. */
async function writeFile(path: string, text: string, force: boolean): Promise<void> {
  const { temporary, commit, discard } = await createBeside(path, force)
  try {
    await namingErrors(path, temporary.handle.writeFile(text))
    await commit()
  } catch (error) {
    throw await afterFailure(error, discard)
  }
}
