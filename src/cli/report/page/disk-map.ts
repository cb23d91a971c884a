/** Maps to scale: partitions on the disk, chunks in a partition, areas of a FAT. */
import { bytesText } from '../../units.ts'
import { type Child, h, nameElement } from './dom.ts'
import { exactBytes, rangeText, shareText } from './texts.ts'
import { addTip } from './tooltip.ts'

/** Something with a place. */
export interface MapPiece {
  start: number
  size: number
  title: string
  /** More of it, where there is room. */
  lines: readonly string[]
  class: string
  /** Nothing is there, or nothing that matters. */
  isGap?: boolean
  /** Anchor of the part of the page with details. */
  href?: string
  /** Pieces of one group are pointed out together: copies of the same. */
  group?: string
}

/** Pieces beside each other, to scale as far as they can still be seen. */
export function bar(label: string, pieces: readonly MapPiece[], total: number): HTMLElement {
  const element = h('div', { class: 'bar', role: 'list', label })
  for (const piece of pieces) element.append(pieceElement(piece, total, element))
  return h('div', { class: 'bar-frame' }, element)
}

function pieceElement(piece: MapPiece, total: number, map: HTMLElement): HTMLElement {
  const { start, size, title, lines, isGap = false, href, group } = piece
  const place = `${rangeText(start, size)}, ${exactBytes(size)}`
  const content: Child[] = isGap
    ? []
    : [nameElement(title, 'piece-title'), ...lines.map((line) => h('span', { class: 'piece-line' }, line))]
  const label = [title, ...lines, place].join(', ')
  const properties = { class: `piece ${piece.class}${isGap ? ' gap' : ''}`, label, 'data-group': group }
  const inner =
    href === undefined
      ? h('div', { ...properties, tabindex: '0', role: 'img' }, ...content)
      : h('a', { ...properties, href }, ...content)
  const element = h('div', { class: isGap ? 'slot slot-gap' : 'slot', role: 'listitem' }, inner)
  element.style.flexGrow = String(Math.max(1, Math.round((10_000 * size) / Math.max(1, total))))
  addTip(inner, () => ({
    title,
    lines: [
      ...lines,
      rangeText(start, size),
      exactBytes(size),
      `${shareText(size, total)} of ${bytesText(total)}`,
    ],
  }))
  if (group !== undefined) {
    const point = (isOn: boolean) => {
      for (const other of map.querySelectorAll<HTMLElement>('[data-group]')) {
        other.classList.toggle('pointed', isOn && other.dataset.group === group)
      }
    }
    for (const event of ['mouseenter', 'focus']) inner.addEventListener(event, () => point(true))
    for (const event of ['mouseleave', 'blur']) inner.addEventListener(event, () => point(false))
  }
  return element
}

/** Adds what lies between pieces, and behind the last. */
export function withGaps(pieces: readonly MapPiece[], total: number, title: string): MapPiece[] {
  const gap = (start: number, end: number): MapPiece => {
    return { start, size: end - start, title, lines: [], class: '', isGap: true }
  }
  const all: MapPiece[] = []
  let end = 0
  for (const piece of [...pieces].sort((a, b) => a.start - b.start)) {
    if (piece.start > end) all.push(gap(end, piece.start))
    all.push(piece)
    end = Math.max(end, piece.start + piece.size)
  }
  if (total > end) all.push(gap(end, total))
  return all
}

/** The legend of the colours. */
export function legend(entries: readonly { class: string; text: string }[]): HTMLElement {
  return h(
    'div',
    { class: 'legend' },
    ...entries.map((entry) =>
      h('span', { class: 'legend-entry' }, h('i', { class: `swatch ${entry.class}` }), entry.text),
    ),
  )
}
