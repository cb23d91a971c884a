/** Tabs, as in the ARIA Authoring Practices: the arrow keys move, and what is moved to is shown. */
import { h } from '../../../src/cli/report/page/dom.ts'

export interface Tab {
  title: string
  panel: HTMLElement
  /** Called when it is shown for the first time. */
  onFirst?: () => void
}

let lists = 0

export function tabs(
  label: string,
  all: readonly Tab[],
  className: string,
): { list: HTMLElement; show: (i: number) => void } {
  const id = `tabs-${++lists}`
  const seen = new Set<number>()
  const buttons = all.map(({ title }, i) =>
    h(
      'button',
      { type: 'button', role: 'tab', id: `${id}-${i}`, 'aria-controls': `${id}-panel-${i}` },
      title,
    ),
  )
  const show = (shown: number) => {
    for (const [i, { panel, onFirst }] of all.entries()) {
      buttons[i].setAttribute('aria-selected', String(i === shown))
      buttons[i].tabIndex = i === shown ? 0 : -1
      panel.hidden = i !== shown
      if (i !== shown || seen.has(i)) continue
      seen.add(i)
      onFirst?.()
    }
  }
  for (const [i, { panel }] of all.entries()) {
    panel.id = `${id}-panel-${i}`
    panel.setAttribute('role', 'tabpanel')
    panel.setAttribute('aria-labelledby', `${id}-${i}`)
    buttons[i].addEventListener('click', () => show(i))
    buttons[i].addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key]
      if (step === undefined) return
      const next = (i + step + all.length) % all.length
      show(next)
      buttons[next].focus()
    })
  }
  show(0)
  return { list: h('div', { role: 'tablist', class: className, label }, ...buttons), show }
}
