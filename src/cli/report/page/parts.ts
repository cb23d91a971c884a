/** Pieces that sections are made of. */
import { type Child, h } from './dom.ts'

export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return h('section', { class: 'part' }, h('h3', {}, title), ...children)
}

/** Names and what they are; those without a value are left out. */
export function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    ...rows
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  )
}

/** The numbers that matter most. */
export function figures(all: readonly { text: string; title: string; more?: string }[]): HTMLElement {
  return h(
    'ul',
    { class: 'figures' },
    ...all.map(({ text, title, more }) =>
      h(
        'li',
        {},
        h('span', { class: 'figure-title' }, title),
        h('strong', {}, text),
        more === undefined ? undefined : h('span', { class: 'figure-more' }, more),
      ),
    ),
  )
}

/** Something that not everybody wants to see. */
export function fold(title: string, ...children: readonly Child[]): HTMLElement {
  return h('details', {}, h('summary', {}, title), ...children)
}

export interface TableColumn {
  title: string
  /** A number: aligned to the right. */
  isNumber?: boolean
}

/** Cells are named on narrow screens, where every row is a block of its own. */
export function table(
  caption: string,
  columns: readonly TableColumn[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  const classOf = (i: number) => (columns[i].isNumber === true ? 'number' : undefined)
  const cell = (child: Child, i: number) =>
    i === 0
      ? h('th', { scope: 'row', class: classOf(i) }, child)
      : h('td', { class: classOf(i), 'data-title': columns[i].title }, child)
  return h(
    'table',
    {},
    h('caption', {}, caption),
    h(
      'thead',
      {},
      h('tr', {}, ...columns.map(({ title }, i) => h('th', { scope: 'col', class: classOf(i) }, title))),
    ),
    h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map(cell)))),
  )
}
