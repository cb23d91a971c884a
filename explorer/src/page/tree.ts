/** A tree of directories, as in the ARIA Authoring Practices: arrow keys, Home, End, and the first letters of a name. */
import { h, nameElement } from '../../../src/cli/report/page/dom.ts'

export interface TreeItem<T> {
  name: string
  /** Behind the name. */
  note?: string | undefined
  /** Class of its sign. */
  sign: string
  value: T
}

export interface TreeOptions<T> {
  label: string
  roots: readonly TreeItem<T>[]
  /** Called once for each item that is opened. */
  children: (item: TreeItem<T>) => Promise<readonly TreeItem<T>[]>
  onSelect: (item: TreeItem<T>) => void
}

interface Row<T> {
  item: TreeItem<T>
  /** What has the focus. */
  element: HTMLElement
  /** Holds the element, and the group of what is below it. */
  place: HTMLElement
  parent: Row<T> | undefined
  level: number
  rows: Row<T>[] | undefined
}

export class Tree<T> {
  readonly element: HTMLElement
  readonly #options: TreeOptions<T>
  readonly #roots: Row<T>[]
  #current: Row<T> | undefined
  #selected: Row<T> | undefined

  constructor(options: TreeOptions<T>) {
    this.#options = options
    this.element = h('ul', { role: 'tree', class: 'tree', label: options.label })
    this.#roots = options.roots.map((item) => this.#makeRow(item, undefined))
    this.element.append(...this.#roots.map(({ place }) => place))
    this.#setCurrent(this.#roots[0])
    this.element.addEventListener('keydown', (event) => void this.#onKey(event))
  }

  /** Opens the way to an item whose value is that, below the item that is selected or above it, and selects it. */
  async select(isWanted: (value: T) => boolean): Promise<void> {
    const below = this.#selected
    const rows = [...this.#roots, ...(below === undefined ? [] : [below, ...(await this.#open(below))])]
    let row = rows.find(({ item }) => isWanted(item.value))
    for (let up = below?.parent; row === undefined && up !== undefined; up = up.parent) {
      if (isWanted(up.item.value)) row = up
    }
    if (row !== undefined) this.#choose(row)
  }

  #makeRow(item: TreeItem<T>, parent: Row<T> | undefined): Row<T> {
    const element = h(
      'div',
      {
        class: 'tree-line',
        role: 'treeitem',
        tabindex: '-1',
        'aria-expanded': 'false',
        'aria-selected': 'false',
        'aria-level': String((parent?.level ?? 0) + 1),
      },
      h('span', { class: 'twist', 'aria-hidden': 'true' }),
      h('span', { class: `sign ${item.sign}`, 'aria-hidden': 'true' }),
      nameElement(item.name, 'tree-name'),
      item.note === undefined ? undefined : ' ',
      item.note === undefined ? undefined : h('span', { class: 'tree-note' }, item.note),
    )
    // The item is beside its group, not around it: its name is its own.
    const place = h('li', { role: 'none' }, element)
    const row: Row<T> = { item, element, place, parent, level: (parent?.level ?? 0) + 1, rows: undefined }
    element.addEventListener('click', ({ target }) => {
      if ((target as Element).classList.contains('twist')) void this.#toggle(row)
      else {
        this.#choose(row)
        element.focus({ preventScroll: true })
      }
    })
    element.addEventListener('dblclick', () => void this.#toggle(row))
    return row
  }

  #choose(row: Row<T>): void {
    this.#selected?.element.setAttribute('aria-selected', 'false')
    row.element.setAttribute('aria-selected', 'true')
    this.#selected = row
    this.#setCurrent(row)
    row.element.scrollIntoView({ block: 'nearest' })
    this.#options.onSelect(row.item)
  }

  /** The row that Tab comes to. */
  #setCurrent(row: Row<T> | undefined): void {
    this.#current?.element.setAttribute('tabindex', '-1')
    row?.element.setAttribute('tabindex', '0')
    this.#current = row
  }

  #isOpen({ element }: Row<T>): boolean {
    return element.getAttribute('aria-expanded') === 'true'
  }

  async #open(row: Row<T>): Promise<readonly Row<T>[]> {
    if (row.rows === undefined) {
      row.element.setAttribute('aria-busy', 'true')
      const items = await this.#options.children(row.item)
      row.element.removeAttribute('aria-busy')
      // Twice at once, it was made meanwhile.
      if (row.rows === undefined) {
        row.rows = items.map((item) => this.#makeRow(item, row))
        const places = row.rows.map(({ place }) => place)
        if (places.length > 0) row.place.append(h('ul', { role: 'group' }, ...places))
      }
    }
    const { rows } = row
    // What has nothing in it cannot be opened.
    if (rows.length === 0) row.element.removeAttribute('aria-expanded')
    else row.element.setAttribute('aria-expanded', 'true')
    return rows
  }

  async #toggle(row: Row<T>): Promise<void> {
    if (!this.#isOpen(row)) await this.#open(row)
    else this.#close(row)
  }

  #close(row: Row<T>): void {
    row.element.setAttribute('aria-expanded', 'false')
    for (let up = this.#current; up !== undefined; up = up.parent) {
      if (up.parent === row) {
        this.#setCurrent(row)
        row.element.focus()
      }
    }
  }

  /** The rows that can be seen, from top to bottom. */
  *#visible(rows: readonly Row<T>[] = this.#roots): Generator<Row<T>> {
    for (const row of rows) {
      yield row
      if (this.#isOpen(row) && row.rows !== undefined) yield* this.#visible(row.rows)
    }
  }

  async #onKey(event: KeyboardEvent): Promise<void> {
    const row = this.#current
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    const visible = [...this.#visible()]
    const at = visible.indexOf(row)
    const go = (next: Row<T> | undefined) => {
      if (next === undefined) return
      this.#setCurrent(next)
      next.element.focus()
    }
    switch (event.key) {
      case 'ArrowDown':
        go(visible[at + 1])
        break
      case 'ArrowUp':
        go(visible[at - 1])
        break
      case 'Home':
        go(visible[0])
        break
      case 'End':
        go(visible.at(-1))
        break
      case 'ArrowRight':
        event.preventDefault()
        if (this.#isOpen(row)) go(row.rows?.[0])
        else await this.#open(row)
        return
      case 'ArrowLeft':
        if (this.#isOpen(row)) this.#close(row)
        else go(row.parent)
        break
      case 'Enter':
      case ' ':
        this.#choose(row)
        break
      default:
        if (event.key.length !== 1) return
        go(startsWith([...visible.slice(at + 1), ...visible.slice(0, at)], event.key))
    }
    event.preventDefault()
  }
}

function startsWith<T>(rows: readonly Row<T>[], letter: string): Row<T> | undefined {
  return rows.find(({ item }) => item.name.toLowerCase().startsWith(letter.toLowerCase()))
}
