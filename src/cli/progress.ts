import type { ProgressOutput } from './json-output.ts'
import truncatedWidth from 'fast-string-truncated-width'
import type { WriteStream } from 'node:tty'
import { fromText, toDisplay } from '../lib/byte-string.ts'
import { bytesText, countText, secondsText } from './units.ts'

const INTERVAL_MS = 100
const CLEAR_LINE = '\r\x1b[K'
const DEFAULT_WIDTH = 80
/** Seconds after which the rate, and the remaining time that follows from it, are meaningful. */
const [RATE_AFTER, LEFT_AFTER] = [1, 2]

/** The progress of a step, the same for all commands. */
export type CommandProgress = ProgressOutput

export interface ProgressLine {
  update: (progress: CommandProgress) => void
  /** Clears the line, so that other text can follow. */
  clear: () => void
}

/** How progress is shown: a line on a terminal (`auto`), lines of JSON, or not at all. */
export const PROGRESS_MODES = ['auto', 'json', 'none'] as const
export type ProgressMode = (typeof PROGRESS_MODES)[number]

type Stream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>

/**
 * Shows progress on a stream.
 *
 * @returns undefined when no progress is shown: with `none`, and with `auto` when the stream is not a terminal
 */
export function showProgress(
  stream: Stream,
  {
    mode = 'auto',
    now = () => performance.now(),
  }: { mode?: ProgressMode | undefined; now?: () => number } = {},
): ProgressLine | undefined {
  if (mode === 'json') return everyInterval(now, (progress) => stream.write(`${JSON.stringify(progress)}\n`))
  if (mode === 'none' || !stream.isTTY) return undefined
  const show = (progress: CommandProgress, seconds: number) => {
    // A line that wraps cannot be rewritten.
    const line = progressText(progress, seconds, Math.max(1, (stream.columns || DEFAULT_WIDTH) - 1))
    stream.write(`${CLEAR_LINE}${line}`)
  }
  return everyInterval(now, show, () => stream.write(CLEAR_LINE))
}

/** Passes on the first report of each step, and then at most one per interval. */
function everyInterval(
  now: () => number,
  show: (progress: CommandProgress, seconds: number) => void,
  clear: () => void = () => undefined,
): ProgressLine {
  let step: { name: string; startedAt: number } | undefined
  let shownAt = -Infinity
  return {
    update(progress) {
      const time = now()
      if (step?.name !== progress.step) step = { name: progress.step, startedAt: time }
      else if (time - shownAt < INTERVAL_MS) return
      shownAt = time
      show(progress, (time - step.startedAt) / 1000)
    },
    clear() {
      if (shownAt === -Infinity) return
      clear()
      shownAt = -Infinity
    },
  }
}

/**
 * `reading closure.tar  1.2 GiB of 3.4 GiB (35%)  45,123 entries  210 MiB/s  11 s left`
 *
 * @param width columns that the text may take: the least important parts are left out first, then the step is cut off
 */
export function progressText(
  { step, done, total, entries = 0 }: CommandProgress,
  seconds: number,
  width: number,
): string {
  const rate = seconds >= RATE_AFTER && done > 0 ? done / seconds : undefined
  const isMeasured = total !== undefined && total > 0
  const left = isMeasured && rate !== undefined && seconds >= LEFT_AFTER ? (total - done) / rate : undefined
  const amount = isMeasured
    ? `${bytesText(done)} of ${bytesText(total)} (${Math.min(100, Math.floor((done / total) * 100))}%)`
    : done > 0
      ? bytesText(done)
      : undefined
  const parts = [
    { text: toDisplay(fromText(step)), rank: 0 },
    { text: amount, rank: 1 },
    { text: entries > 0 ? countText(entries, 'entry', 'entries') : undefined, rank: 4 },
    { text: rate === undefined ? undefined : `${bytesText(rate)}/s`, rank: 3 },
    {
      text: left !== undefined && left >= 0 ? `${secondsText(Math.round(left), 0)} left` : undefined,
      rank: 2,
    },
  ]
  for (let most = 4; most > 0; most--) {
    const line = joined(parts.filter(({ rank }) => rank <= most))
    if (widthOf(line) <= width) return line
  }
  // The amount is more useful than the end of a long name.
  const rest = amount === undefined ? '' : `  ${amount}`
  const room = width - widthOf(rest)
  return room < 8 ? cut(parts[0].text!, width) : `${cut(parts[0].text!, room)}${rest}`
}

const joined = (parts: readonly { text: string | undefined }[]) =>
  parts.flatMap(({ text }) => (text === undefined ? [] : [text])).join('  ')

/** Columns of a terminal: wide characters take two. */
const widthOf = (text: string) => truncatedWidth(text).width

function cut(text: string, width: number): string {
  const { index, ellipsed } = truncatedWidth(text, { limit: width, ellipsis: '…', ellipsisWidth: 1 })
  return ellipsed ? `${text.slice(0, index)}…` : text
}
