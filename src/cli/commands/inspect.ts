import type { Command } from 'commander'
import { basename, resolve } from 'node:path'
import { fromText, toDisplay } from '../../lib/byte-string.ts'
import { debugOption, addExamples, IMAGE } from '../arguments.ts'
import { reportText } from '../inspect-report.ts'
import { writeNewFile } from '../new-file.ts'
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
  addExamples(program.command('inspect'), ['diskwright inspect disk.img.zst --html report.html'])
    .description('show what an image consists of, and what takes how much space')
    .argument('<image>', IMAGE)
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'write the report as a single HTML page that needs no network')
    .option('--force', 'replace an existing page')
    .addOption(debugOption())
    .action(inspect)
}

/** Reports what an image consists of, and what takes how much space. */
async function inspect(path: string, flags: InspectFlags): Promise<void> {
  await withImage(path, async (image, signal) => {
    const { inspectImage } = await import('../../image/inspect.ts')
    const report = await inspectImage(image, { signal })
    if (flags.html !== undefined) {
      const name = toDisplay(fromText(basename(resolve(path))))
      await writeNewFile(flags.html, htmlReport(report, name), flags.force ?? false)
    }
    if (flags.json !== undefined) await printJson(report)
    else if (flags.html === undefined) await print(reportText(report))
  })
}
