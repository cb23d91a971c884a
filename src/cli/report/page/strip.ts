/** A long range of bytes as a strip that shows its use. */
import type { Occupancy } from '../../../image/public-types.ts'
import { bytesText } from '../../units.ts'
import { svg } from './dom.ts'
import { rangeText, shareText } from './texts.ts'
import { addTip } from './tooltip.ts'

/** The digit of a cell that one kind fills. */
const FULL = 9

export interface StripOptions {
  title: string
  /** Bytes of the range. */
  size: number
  occupancy: Occupancy
  /** The total use of the range, for screen readers. */
  summary: string
}

/** Class of a kind's colour. */
export function kindClass(kind: string): string {
  return `kind-${kind.replaceAll(' ', '-')}`
}

export function strip({ title, size, occupancy, summary }: StripOptions): SVGSVGElement {
  const kinds = Object.entries(occupancy.use).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const count = Math.max(1, Math.ceil(size / occupancy.cellBytes))
  const element = svg('svg', {
    class: 'strip',
    viewBox: `0 0 ${count} ${FULL}`,
    preserveAspectRatio: 'none',
    role: 'img',
    tabindex: '0',
    label: `${title}: ${summary}`,
  })
  const columnOf = (cell: number) => kinds.map(([, digits]) => digits[cell]).join('')
  for (let start = 0; start < count;) {
    let end = start + 1
    while (end < count && columnOf(end) === columnOf(start)) end++
    let top = FULL
    for (const [kind, digits] of kinds) {
      const height = Math.min(top, Number(digits[start] ?? 0))
      if (height === 0) continue
      top -= height
      element.append(
        svg('rect', {
          class: kindClass(kind),
          x: String(start),
          y: String(top),
          width: String(end - start),
          height: String(height),
        }),
      )
    }
    start = end
  }
  addTip(element, (event) => {
    if (event === undefined) return { title, lines: [summary] }
    const { left, width } = element.getBoundingClientRect()
    const at = Math.floor(((event.clientX - left) / width) * count)
    const cell = Math.min(count - 1, Math.max(0, at))
    const start = cell * occupancy.cellBytes
    return {
      title: `${title}, ${rangeText(start, Math.min(occupancy.cellBytes, size - start))}`,
      lines: cellLines(kinds, cell),
    }
  })
  return element
}

function cellLines(kinds: readonly [string, string][], cell: number): string[] {
  const used = kinds.map(([kind, digits]) => ({ kind, part: Number(digits[cell] ?? 0) }))
  const lines = used
    .filter(({ part }) => part > 0)
    .map(({ kind, part }) =>
      part === FULL ? kindText(kind) : `${kindText(kind)}: about ${shareText(part, FULL)}`,
    )
  const total = used.reduce((sum, { part }) => sum + part, 0)
  if (total === 0) return ['free']
  return total >= FULL ? lines : [...lines, `free: about ${shareText(FULL - total, FULL)}`]
}

const KIND_TEXTS: Readonly<Record<string, string>> = {
  none: 'data, not compressed',
  zlib: 'data, zlib',
  lzo: 'data, lzo',
  zstd: 'data, zstd',
  preallocated: 'preallocated',
  'tree blocks': 'tree blocks',
  superblock: 'kept free for a superblock',
  used: 'files and directories',
  bad: 'bad clusters',
}

export function kindText(kind: string): string {
  return KIND_TEXTS[kind] ?? kind
}

/** Approximate bytes of each kind, from the cells. */
export function occupancySummary(
  { use, cellBytes }: Occupancy,
  size: number,
): { kind: string; bytes: number }[] {
  return Object.entries(use).map(([kind, digits = '']) => {
    let parts = 0
    for (const digit of digits) parts += Number(digit)
    return { kind, bytes: Math.min(size, (parts / FULL) * cellBytes) }
  })
}

export function summaryText(occupancy: Occupancy, size: number): string {
  const parts = occupancySummary(occupancy, size).map(
    ({ kind, bytes }) => `${kindText(kind)} ${bytesText(Math.round(bytes))}`,
  )
  return parts.length === 0 ? 'nothing' : `about ${parts.join(', ')}`
}
