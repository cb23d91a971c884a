/** One tooltip for the whole page. It repeats what labels say, so nobody depends on it. */
import { h, nameElement } from './dom.ts'

export interface Tip {
  title: string
  lines: readonly string[]
}

const DISTANCE = 14
let box: HTMLElement | undefined

/** Shows a tip while the pointer is over an element, or it has the focus. `tipAt` is given the pointer's place. */
export function addTip(element: Element, tipAt: (event: MouseEvent | undefined) => Tip | undefined): void {
  const show = (event: MouseEvent) => {
    const tip = tipAt(event)
    if (tip === undefined) hideTip()
    else showTip(tip, event.clientX, event.clientY)
  }
  element.addEventListener('mousemove', (event) => show(event as MouseEvent))
  element.addEventListener('mouseleave', hideTip)
  element.addEventListener('blur', hideTip)
  element.addEventListener('focus', () => {
    // A click moves the focus, too; the pointer has shown the tip then.
    const tip = element.matches(':focus-visible') ? tipAt(undefined) : undefined
    const { left, bottom } = element.getBoundingClientRect()
    if (tip !== undefined) showTip(tip, left, bottom)
  })
}

export function hideTip(): void {
  box?.setAttribute('hidden', '')
}

function showTip({ title, lines }: Tip, x: number, y: number): void {
  if (box === undefined) {
    box = h('div', { class: 'tip', 'aria-hidden': 'true' })
    document.body.append(box)
  }
  box.replaceChildren(
    h('div', { class: 'tip-title' }, nameElement(title)),
    ...lines.map((line) => h('div', {}, line)),
  )
  box.removeAttribute('hidden')
  const { offsetWidth: width, offsetHeight: height } = box
  const { clientWidth, clientHeight } = document.documentElement
  const left = x + DISTANCE + width > clientWidth ? x - DISTANCE - width : x + DISTANCE
  const top = y + DISTANCE + height > clientHeight ? y - DISTANCE - height : y + DISTANCE
  box.style.left = `${Math.max(4, left)}px`
  box.style.top = `${Math.max(4, top)}px`
}
