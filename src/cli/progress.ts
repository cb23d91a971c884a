import type { WriteStream } from 'node:tty'
import type { Progress } from '../build/options.ts'
import { bytesText, countText } from './units.ts'

const INTERVAL_MS = 100
const CLEAR_LINE = '\r\x1b[K'

export interface ProgressLine {
  update: (progress: Progress) => void
  /** Clears the line, so that other text can follow. */
  clear: () => void
}

/** A progress line that is rewritten in place; undefined when `stream` is not a terminal. */
export function showProgress(
  stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>,
  now: () => number = () => performance.now(),
): ProgressLine | undefined {
  if (!stream.isTTY) return undefined
  let step: { name: string; startedAt: number } | undefined
  let shownAt = -Infinity
  return {
    update(progress) {
      const time = now()
      const isNewStep = step?.name !== progress.step
      if (isNewStep) step = { name: progress.step, startedAt: time }
      if (!isNewStep && time - shownAt < INTERVAL_MS) return
      shownAt = time
      const line = progressText(progress, (time - step!.startedAt) / 1000)
      // A line that wraps cannot be rewritten.
      stream.write(`${CLEAR_LINE}${line.slice(0, Math.max(1, (stream.columns || 80) - 1))}`)
    },
    clear() {
      if (shownAt === -Infinity) return
      stream.write(CLEAR_LINE)
      shownAt = -Infinity
    },
  }
}

/** `reading closure.tar  1.2 GiB of 3.4 GiB (35%)  45,123 entries  210 MiB/s` */
export function progressText({ step, done, total, entries }: Progress, seconds: number): string {
  const percent = total === undefined || total === 0 ? undefined : Math.floor((done / total) * 100)
  const parts = [step]
  if (percent !== undefined) parts.push(`${bytesText(done)} of ${bytesText(total!)} (${percent}%)`)
  else if (done > 0) parts.push(bytesText(done))
  if (entries > 0) parts.push(countText(entries, 'entry', 'entries'))
  if (seconds >= 1 && done > 0) parts.push(`${bytesText(done / seconds)}/s`)
  return parts.join('  ')
}
