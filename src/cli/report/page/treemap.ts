/** The largest directories as nested rectangles; a directory opens when it is selected. */
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy'
import type { SizeNode } from '../../../image/public-types.ts'
import { bytesText, countText } from '../../units.ts'
import { h, nameElement } from './dom.ts'
import { choice } from './choice.ts'
import { ratioText, shareText } from './texts.ts'
import { addTip, hideTip, type Tip } from './tooltip.ts'

type Measure = 'storedBytes' | 'apparentBytes'
type Colouring = 'subvolume' | 'compression'

/** Pixels. */
interface Rectangle {
  x: number
  y: number
  width: number
  height: number
}

export interface TreemapOptions {
  root: SizeNode
  /** Names of the subvolumes by their ids; empty where there are none. */
  subvolumes: ReadonlyMap<number, string>
  /** Whether files may be compressed. */
  hasCompression: boolean
}

/** A node, or the rest of a directory besides its large children. */
interface Part {
  name: string
  node: SizeNode | undefined
  files: number
  apparentBytes: number
  contentBytes: number
  storedBytes: number
  subvolume: number | undefined
  path: readonly string[]
}

const HUES = 8
/** Pixels: the bar with the name, what is left around what is inside, and what is worth showing. */
const TITLE_HEIGHT = 21
const PADDING = 3
const LEAST_SIDE = 4
const LEAST_FOR_TITLE = { width: 46, height: 20 }
const LEAST_FOR_CHILDREN = { width: 56, height: 50 }
const LEVELS = 3
/** Content bytes per stored byte; each step is a darker one. */
const RATIO_STEPS = [1.02, 1.5, 2, 3, 5]

export class Treemap {
  readonly element: HTMLElement
  readonly #options: TreemapOptions
  readonly #field = h('div', { class: 'treemap', role: 'group' })
  readonly #trail = h('nav', { class: 'trail', label: 'Directory' })
  readonly #legend = h('div', { class: 'legend' })
  readonly #hues = new Map<number, number>()
  #measure: Measure = 'storedBytes'
  #colouring: Colouring
  /** From the root to the directory that is shown. */
  #path: Part[]

  constructor(options: TreemapOptions) {
    this.#options = options
    this.#colouring = options.subvolumes.size > 1 ? 'subvolume' : 'compression'
    this.#path = [partOf(options.root, undefined, [])]
    this.#assignHues()
    this.element = h('div', {}, this.#controls(), this.#trail, this.#field, this.#legend)
    this.#field.addEventListener('keydown', (event) => this.#key(event))
    new ResizeObserver(() => this.#draw()).observe(this.#field)
    this.#draw()
  }

  #controls(): HTMLElement {
    const { subvolumes, hasCompression } = this.#options
    const controls = h('div', { class: 'controls' })
    const sizes = { storedBytes: 'Size on disk', apparentBytes: 'Size of content' } as const
    controls.append(
      choice('Area', sizes, this.#measure, (measure) => {
        this.#measure = measure
        this.#draw()
      }),
    )
    if (hasCompression && subvolumes.size > 1) {
      const colours = { subvolume: 'Subvolume', compression: 'Compression' } as const
      controls.append(
        choice('Colour', colours, this.#colouring, (colouring) => {
          this.#colouring = colouring
          this.#draw()
        }),
      )
    }
    return controls
  }

  /** The largest subvolumes get colours of their own first. */
  #assignHues(): void {
    const sizes = new Map<number, number>()
    const visit = (node: SizeNode) => {
      if (node.subvolume !== undefined) sizes.set(node.subvolume, node.storedBytes)
      node.children?.forEach(visit)
    }
    visit(this.#options.root)
    // Everything lies in the top level, so its size says nothing about its own content.
    const rootId = this.#options.root.subvolume
    if (rootId !== undefined) sizes.set(rootId, 0)
    const bySize = [...sizes].sort(([, a], [, b]) => b - a)
    bySize.forEach(([id], i) => this.#hues.set(id, i % HUES))
  }

  get #current(): Part {
    return this.#path[this.#path.length - 1]
  }

  #enter(parts: readonly Part[], focus: boolean): void {
    hideTip()
    this.#path = [...parts]
    this.#draw()
    if (focus) (this.#field.querySelector<HTMLElement>('[tabindex="0"]') ?? this.#field).focus()
  }

  #up(): void {
    const left = this.#path.length > 1 ? this.#current.name : undefined
    if (left === undefined) return
    this.#enter(this.#path.slice(0, -1), true)
    const cells = [...this.#field.querySelectorAll<HTMLElement>(':scope > .cell')]
    const from = cells.find((cell) => cell.dataset.name === left)
    if (from !== undefined) this.#focus(from)
  }

  #key(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }
    const cells = [...this.#field.querySelectorAll<HTMLElement>(':scope > .cell')]
    const at = cells.indexOf(document.activeElement as HTMLElement)
    if (event.key === 'Backspace' || event.key === 'Escape') this.#up()
    else if (event.key === 'Home' && cells.length > 0) this.#focus(cells[0])
    else if (event.key === 'End' && cells.length > 0) this.#focus(cells[cells.length - 1])
    else if (event.key in steps && at >= 0) {
      this.#focus(cells[Math.min(cells.length - 1, Math.max(0, at + steps[event.key]))])
    } else return
    event.preventDefault()
  }

  #focus(cell: HTMLElement): void {
    for (const other of this.#field.querySelectorAll('[tabindex="0"]')) other.setAttribute('tabindex', '-1')
    cell.setAttribute('tabindex', '0')
    cell.focus()
  }

  #draw(): void {
    const { width, height } = this.#field.getBoundingClientRect()
    const hadFocus = this.#field.contains(document.activeElement)
    const name = (document.activeElement as HTMLElement | null)?.dataset.name
    this.#field.replaceChildren()
    this.#drawTrail()
    const parts = this.#partsOf(this.#current)
    this.#field.setAttribute(
      'aria-label',
      `${pathText(this.#current)}: ${bytesText(this.#current[this.#measure])}. Arrow keys move, Enter goes into a directory, Backspace out of it.`,
    )
    if (parts.length === 0) this.#field.append(h('p', { class: 'nothing' }, 'There are no files here.'))
    this.#drawParts(this.#field, { x: 0, y: 0, width, height }, this.#path, 0)
    const cells = [...this.#field.querySelectorAll<HTMLElement>(':scope > .cell')]
    const same = cells.find((cell) => cell.dataset.name === name) ?? cells[0]
    same?.setAttribute('tabindex', '0')
    if (hadFocus) same?.focus()
    this.#drawLegend(parts)
  }

  #drawParts(into: HTMLElement, area: Rectangle, path: readonly Part[], level: number): void {
    const measure = this.#measure
    const parts = this.#partsOf(path[path.length - 1]).filter((part) => part[measure] > 0)
    const rectangles = placeRectangles(
      parts.map((part) => part[measure]),
      area,
    )
    for (const [i, part] of parts.entries()) {
      const { width, height } = rectangles[i]
      if (width >= LEAST_SIDE && height >= LEAST_SIDE) {
        into.append(this.#cell(part, rectangles[i], [...path, part], level))
      }
    }
  }

  #cell(part: Part, { x, y, width, height }: Rectangle, path: readonly Part[], level: number): HTMLElement {
    const canEnter = part.node?.type === 'directory' && this.#partsOf(part).length > 0
    const cell = h('div', {
      class: `cell level-${level} ${this.#colourOf(part)}${canEnter ? ' can-enter' : ''}${part.node === undefined ? ' rest' : ''}`,
      role: canEnter ? 'button' : 'img',
      label: [part.name, ...this.#tipOf(part).lines].join(', '),
      'data-name': part.name,
      ...(level === 0 && { tabindex: '-1' }),
    })
    Object.assign(cell.style, {
      left: `${x}px`,
      top: `${y}px`,
      width: `${Math.max(1, width - 1)}px`,
      height: `${Math.max(1, height - 1)}px`,
    })
    const hasTitle = width >= LEAST_FOR_TITLE.width && height >= LEAST_FOR_TITLE.height
    if (hasTitle) {
      const title = h('div', { class: 'cell-title' }, nameElement(shortName(part.name), 'cell-name'))
      if (width > 150) title.append(h('span', { class: 'cell-size' }, bytesText(part[this.#measure])))
      cell.append(title)
    }
    if (canEnter) {
      cell.addEventListener('click', (event) => {
        event.stopPropagation()
        this.#enter(path, true)
      })
      cell.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        event.stopPropagation()
        this.#enter(path, true)
      })
    }
    cell.addEventListener('mousemove', (event) => event.stopPropagation())
    addTip(cell, () => this.#tipOf(part))
    const hasRoom = width >= LEAST_FOR_CHILDREN.width && height >= LEAST_FOR_CHILDREN.height
    if (canEnter && hasRoom && level + 1 < LEVELS) {
      const inside = {
        x: PADDING,
        y: TITLE_HEIGHT,
        width: width - 1 - 2 * PADDING,
        height: height - 1 - TITLE_HEIGHT - PADDING,
      }
      this.#drawParts(cell, inside, path, level + 1)
    }
    return cell
  }

  /** The entries of a directory: the large ones by size, then the rest as one. */
  #partsOf(directory: Part): Part[] {
    const { node, path, subvolume } = directory
    if (node === undefined || node.type === 'file') return []
    const children = (node.children ?? []).map((child) => partOf(child, subvolume, path))
    const rest = { files: node.files, apparentBytes: 0, contentBytes: 0, storedBytes: 0 }
    for (const key of ['apparentBytes', 'contentBytes', 'storedBytes'] as const) {
      rest[key] = Math.max(0, node[key] - children.reduce((sum, child) => sum + child[key], 0))
    }
    rest.files -= children.reduce((sum, child) => sum + child.files, 0)
    const bySize = children.sort((a, b) => b[this.#measure] - a[this.#measure])
    if (rest.files <= 0) return bySize
    const name = `${countText(rest.files, children.length > 0 ? 'smaller file' : 'file')}`
    return [...bySize, { name, node: undefined, ...rest, subvolume, path }]
  }

  #tipOf(part: Part): Tip {
    const { storedBytes, apparentBytes, contentBytes, node, files, subvolume } = part
    const lines = [
      `${bytesText(storedBytes)} on disk, ${shareText(storedBytes, this.#options.root.storedBytes)} of all`,
      `${bytesText(apparentBytes)} of content`,
    ]
    if (this.#options.hasCompression && storedBytes > 0) {
      lines.push(`compression ${ratioText(contentBytes / storedBytes)}`)
    }
    if (node?.type === 'directory') lines.push(countText(files, 'file'))
    const inSubvolume = subvolume === undefined ? undefined : this.#options.subvolumes.get(subvolume)
    if (inSubvolume !== undefined) lines.push(`subvolume ${inSubvolume}`)
    return { title: part.name, lines }
  }

  #colourOf({ subvolume, contentBytes, storedBytes }: Part): string {
    if (this.#colouring === 'subvolume') {
      return `hue-${subvolume === undefined ? 0 : (this.#hues.get(subvolume) ?? 0)}`
    }
    if (!this.#options.hasCompression) return 'hue-0'
    const ratio = storedBytes === 0 ? 1 : contentBytes / storedBytes
    const step = RATIO_STEPS.findIndex((limit) => ratio < limit)
    return `ratio-${step < 0 ? RATIO_STEPS.length : step}`
  }

  #drawTrail(): void {
    const last = this.#path.length - 1
    this.#trail.replaceChildren(
      ...this.#path.flatMap((part, i) => {
        const name = nameElement(i === 0 ? 'top level' : part.name)
        const separator = h('span', { class: 'separator', 'aria-hidden': 'true' }, '/')
        const before = i === 0 ? [] : [separator]
        if (i === last) return [...before, h('span', { class: 'here', 'aria-current': 'location' }, name)]
        const button = h('button', { type: 'button' }, name)
        button.addEventListener('click', () => this.#enter(this.#path.slice(0, i + 1), true))
        return [...before, button]
      }),
      h('span', { class: 'trail-size' }, bytesText(this.#current[this.#measure])),
    )
  }

  #drawLegend(parts: readonly Part[]): void {
    const entry = (className: string, text: string) =>
      h('span', { class: 'legend-entry' }, h('i', { class: `swatch ${className}` }), nameElement(text))
    if (this.#colouring === 'compression') {
      const { hasCompression } = this.#options
      const steps = ['as it is', 'up to 1.5 ×', 'up to 2 ×', 'up to 3 ×', 'up to 5 ×', 'more']
      this.#legend.replaceChildren(
        ...(hasCompression ? steps.map((text, i) => entry(`ratio-${i}`, text)) : []),
      )
      return
    }
    const shown = new Set<number>()
    const visit = (node: SizeNode | undefined) => {
      if (node?.subvolume !== undefined && node.storedBytes > 0) shown.add(node.subvolume)
      node?.children?.forEach(visit)
    }
    for (const { node, subvolume } of parts) {
      if (subvolume !== undefined) shown.add(subvolume)
      visit(node)
    }
    this.#legend.replaceChildren(
      ...[...this.#hues.keys()]
        .filter((id) => shown.has(id))
        .map((id) => entry(`hue-${this.#hues.get(id)}`, this.#options.subvolumes.get(id) ?? String(id))),
    )
  }
}

/** Rectangles that fill `area` in proportion to `sizes`, as nearly square as comes easily. */
function placeRectangles(sizes: readonly number[], { x, y, width, height }: Rectangle): Rectangle[] {
  interface Datum {
    size: number
    children?: Datum[]
  }
  const data: Datum = { size: 0, children: sizes.map((size) => ({ size })) }
  const root = hierarchy(data).sum(({ size }) => size)
  const placed = treemap<Datum>().tile(treemapSquarify.ratio(1)).size([width, height])(root)
  return (placed.children ?? []).map(({ x0, y0, x1, y1 }) => ({
    x: x + x0,
    y: y + y0,
    width: x1 - x0,
    height: y1 - y0,
  }))
}

function partOf(node: SizeNode, subvolume: number | undefined, path: readonly string[]): Part {
  const { name, files, apparentBytes, contentBytes, storedBytes } = node
  const own = node.subvolume ?? subvolume
  return {
    name,
    node,
    files,
    apparentBytes,
    contentBytes,
    storedBytes,
    subvolume: own,
    path: name === '' ? path : [...path, name],
  }
}

/** Names in a Nix store begin with a hash, which would be all that there is room for. */
function shortName(name: string): string {
  return name.replace(/^[0-9a-z]{32}-(?=.)/, '')
}

function pathText({ path }: Part): string {
  return `/${path.join('/')}`
}
