import { basename, resolve } from 'node:path'
import { inspectImage } from '../inspect-image.ts'
import { faultText } from '../lib/fault.ts'
import { createBeside } from '../lib/temporary-file.ts'
import { openImage } from '../open-image.ts'
import { toDisplay, fromText } from '../lib/byte-string.ts'
import { reportText } from './inspect-report.ts'
import { print, printJson } from './print.ts'
import { htmlReport } from './report/html-report.ts'

export interface InspectFlags {
  json?: true
  /** Path of the page to write. */
  html?: string
  force?: true
}

/** `diskwright inspect`: what an image is made of, and what takes how much of it. */
export async function inspect(path: string, flags: InspectFlags): Promise<void> {
  // What cannot be written should be known before all the work.
  const target = flags.html === undefined ? undefined : await createBeside(flags.html, flags.force ?? false)
  try {
    const problems: string[] = []
    const image = await openImage(path, { onFault: (fault) => problems.push(faultText(fault)) })
    try {
      const report = await inspectImage(image)
      report.problems.unshift(...problems)
      const name = toDisplay(fromText(basename(resolve(path))))
      if (target !== undefined) {
        await target.temporary.handle.writeFile(htmlReport(report, name))
        await target.temporary.handle.close()
        await target.commit()
      }
      if (flags.json !== undefined) await printJson(report)
      else if (target === undefined) await print(reportText(report))
    } finally {
      await image.close()
    }
  } catch (error) {
    await target?.discard()
    throw error
  }
}
