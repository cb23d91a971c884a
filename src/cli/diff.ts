import type { Difference } from '../image/diff.ts'
import { EndWith, EXIT, ExitCodeError } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { warn } from './place.ts'
import { JsonListPrinter, Printer } from './print.ts'
import { showProgress } from './progress.ts'

export interface DiffFlags {
  ignore?: string[]
  json?: true
}

/** `diskwright diff`: what differs between two images, a line each. */
export async function diff(a: string, b: string, flags: DiffFlags): Promise<void> {
  const isDifferent = await compare(a, b, flags).catch((error: unknown) => {
    throw new ExitCodeError(EXIT.usage, error)
  })
  if (isDifferent) throw new EndWith(EXIT.failed)
}

/** @returns whether anything differs */
function compare(a: string, b: string, { ignore, json }: DiffFlags): Promise<boolean> {
  return interruptible(async (signal) => {
    const { diffImages } = await import('../image/diff.ts')
    const progress = showProgress(process.stderr)
    const differences = diffImages(a, b, {
      signal,
      ignore,
      onNotice: warn,
      onProgress: ({ step, done, total }) => progress?.update({ step, done, total, entries: 0 }),
      onCompared: ({ entries, bytes }) =>
        progress?.update({ step: 'comparing', done: bytes, total: undefined, entries }),
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
export function differenceText({ partition, path, what, a, b }: Difference): string {
  const where =
    partition === undefined ? 'image' : path === undefined ? `${partition}` : `${partition}:${path}`
  if (what === 'entry') return a === undefined ? `${where}: added (${b})` : `${where}: removed (${a})`
  return `${where}: ${what}: ${a ?? 'none'} -> ${b ?? 'none'}`
}

function jsonOf({ partition, path, what, a, b }: Difference) {
  return { partition: partition ?? null, path: path ?? null, what, a: a ?? null, b: b ?? null }
}
