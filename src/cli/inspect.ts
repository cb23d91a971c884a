import { basename, resolve } from 'node:path'
import { inspectImage } from '../image/inspect.ts'
import { fromText, toDisplay } from '../lib/byte-string.ts'
import { afterFailure } from '../lib/clean-up.ts'
import { namingErrors } from '../lib/output-error.ts'
import { createBeside } from '../lib/temporary-file.ts'
import { reportText } from './inspect-report.ts'
import { withImage } from './place.ts'
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
  await withImage(path, async (image, signal) => {
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
