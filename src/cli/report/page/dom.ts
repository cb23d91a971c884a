/** Makes elements. Names from an image only ever become text: nothing here reads markup. */

export type Child = Node | string | number | undefined

interface Properties {
  class?: string
  /** Text that only some readers get, and what the tooltip says. */
  label?: string
  [attribute: string]: string | undefined
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  setAttributes(element, properties)
  append(element, children)
  return element
}

const SVG = 'http://www.w3.org/2000/svg'

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag)
  setAttributes(element, properties)
  append(element, children)
  return element
}

function setAttributes(element: Element, { label, ...attributes }: Properties): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value)
  }
  if (label !== undefined) element.setAttribute('aria-label', label)
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child !== undefined) element.append(typeof child === 'number' ? String(child) : child)
  }
}

/** A name from the image: whichever way it is written, what is around it stays in order. */
export function nameElement(name: string, className?: string): HTMLElement {
  return h('bdi', { class: className }, name)
}
