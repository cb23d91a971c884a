import { InvalidArgumentError, type Command } from 'commander'
import type { Difference } from '../../image/diff.ts'
import { diffWordProblem } from '../../image/diff/diff-words.ts'
import { debugOption, progressOption, addExamples, IMAGE } from '../arguments.ts'
import { EndWith, EXIT, ExitCodeError } from '../exit.ts'
import { interruptible } from '../interrupt.ts'
import { warn } from '../place.ts'
import { JsonListPrinter, Printer } from '../print.ts'
import { styled } from '../style.ts'
import { showProgress, type ProgressMode } from '../progress.ts'

interface DiffFlags {
  progress: ProgressMode
  ignore?: string[]
  json?: true
}

export function addDiff(program: Command): void {
  addExamples(
    program.command('diff'),
    ['diskwright diff old.img.zst new.img.zst --ignore atime'],
    '0 when the images are equal, 1 when they differ, 2 when they cannot be compared.',
  )
    .description('show the differences between two images')
    .argument('<a>', IMAGE)
    .argument('<b>', 'the image to compare it with')
    .option('--ignore <words>', 'properties not to compare, for example atime,ctime,xattr', ignoredWords)
    .option('--json', 'print JSON')
    .addOption(progressOption())
    .addOption(debugOption())
    .action(diff)
}

function ignoredWords(text: string): string[] {
  const words = text.split(',').map((word) => word.trim())
  for (const word of words) {
    const problem = diffWordProblem(word)
    if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`)
  }
  return words
}

/** Prints a line for each difference between two images. */
async function diff(a: string, b: string, flags: DiffFlags): Promise<void> {
  const isDifferent = await compare(a, b, flags).catch((error: unknown) => {
    throw new ExitCodeError(EXIT.usage, error)
  })
  if (isDifferent) throw new EndWith(EXIT.failed)
}

/** @returns whether anything differs */
function compare(a: string, b: string, { ignore, json, progress: mode }: DiffFlags): Promise<boolean> {
  return interruptible(async (signal) => {
    const { diffImages } = await import('../../image/diff.ts')
    const progress = showProgress(process.stderr, { mode })
    const differences = diffImages(a, b, {
      signal,
      ignore,
      onNotice: warn,
      onProgress: progress?.update,
      onCompared: ({ entries, bytes }) =>
        progress?.update({ phase: 'compare', step: 'comparing', done: bytes, total: undefined, entries }),
    })
    const lines = new Printer()
    const list = new JsonListPrinter()
    let isDifferent = false
    try {
      for await (const difference of differences) {
        isDifferent = true
        progress?.clear()
        await (json ? list.add(jsonOf(difference)) : lines.add(`${differenceText(difference)}\n`))
      }
    } finally {
      progress?.clear()
    }
    await (json ? list.end() : lines.flush())
    return isDifferent
  })
}

/** `2:/@/etc/passwd: mode: 0644 -> 0600` */
function differenceText({ partition, path, what, a, b }: Difference): string {
  const where =
    partition === undefined ? 'image' : path === undefined ? `${partition}` : `${partition}:${path}`
  if (what === 'entry') {
    const [text, style] =
      a === undefined ? ([`added (${b})`, 'green'] as const) : ([`removed (${a})`, 'red'] as const)
    return `${where}: ${styled(text, style, process.stdout)}`
  }
  return `${where}: ${what}: ${a ?? 'none'} -> ${b ?? 'none'}`
}

function jsonOf({ partition, path, what, a, b }: Difference) {
  return { partition: partition ?? null, path: path ?? null, what, a: a ?? null, b: b ?? null }
}
