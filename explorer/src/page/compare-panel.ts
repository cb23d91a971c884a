/** Compares two images. */
import type { Difference } from '../../../src/browser/index.ts'
import { h, nameElement } from '../../../src/cli/report/page/dom.ts'
import { countText } from '../../../src/cli/units.ts'
import type { OpenedImage, Place } from '../protocol.ts'
import type { Client } from './client.ts'
import { summary } from './image-view.ts'
import { imageChooser, openImage } from './open-panel.ts'
import type { Tasks } from './tasks.ts'

/** Differences that are shown. */
const SHOWN = 2000
const TIMES = ['mtime', 'atime', 'ctime', 'birthtime']

export function comparePanel(client: Client, tasks: Tasks): HTMLElement {
  const chosen: (OpenedImage | undefined)[] = [undefined, undefined]
  const start = h('button', { type: 'button', class: 'primary' }, 'Compare')
  start.disabled = true
  const times = h('input', { type: 'checkbox' })
  const result = h('div', { class: 'result' })
  const side = (i: number, name: string) => {
    const place = h('div', { class: 'side-of' })
    const choose = async (from: Place) => {
      const opened = await openImage(from, client, tasks)
      if (opened === undefined) return
      const before = chosen[i]
      chosen[i] = opened
      start.disabled = chosen.includes(undefined)
      const again = h('button', { type: 'button' }, 'Choose another')
      again.addEventListener('click', reset)
      place.replaceChildren(h('div', { class: 'chosen' }, summary(opened), again))
      // Each page has one main heading.
      place.querySelector('h1')?.replaceWith(h('h2', {}, nameElement(opened.name)))
      if (before !== undefined) await client.call('close', [before.id])
    }
    const reset = () => place.replaceChildren(imageChooser(`${name} image`, (from) => void choose(from)))
    reset()
    return place
  }
  start.addEventListener('click', () => {
    void (async () => {
      const [a, b] = chosen
      if (a === undefined || b === undefined) return
      start.disabled = true
      result.replaceChildren()
      const ignore = times.checked ? TIMES : []
      const found = await tasks.run('Comparing', (options) =>
        client.call('compare', [a.id, b.id, ignore, SHOWN], options),
      )
      start.disabled = false
      if (found === undefined) return
      const { differences, count } = found
      const verdict = count === 0 ? 'No differences.' : `${countText(count, 'difference')}.`
      result.replaceChildren(
        h('p', { class: `verdict ${count === 0 ? 'sound' : ''}` }, verdict),
        count === 0 ? '' : differenceTable(differences),
        count > differences.length
          ? h('p', { class: 'hint' }, `The first ${differences.length.toLocaleString('en-US')} are shown.`)
          : '',
      )
      tasks.say(verdict)
    })()
  })
  return h(
    'div',
    { class: 'panel' },
    h(
      'section',
      { class: 'start' },
      h('h1', {}, 'What is different between two images?'),
      h(
        'p',
        { class: 'lead' },
        'Compares partition tables, subvolumes, and every file with its attributes and content. How it is stored does not matter.',
      ),
    ),
    h('div', { class: 'sides' }, side(0, 'First'), side(1, 'Second')),
    h('div', { class: 'buttons' }, start, h('label', { class: 'check' }, times, 'Leave out times')),
    result,
  )
}

function differenceTable(differences: readonly Difference[]): HTMLElement {
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', label: 'Differences' },
    h(
      'table',
      { class: 'differences' },
      h('caption', { class: 'for-readers' }, 'Differences'),
      h(
        'thead',
        {},
        h('tr', {}, ...['Where', 'What', 'First', 'Second'].map((text) => h('th', { scope: 'col' }, text))),
      ),
      h(
        'tbody',
        {},
        ...differences.map(({ partition, path, what, a, b }) =>
          h(
            'tr',
            { class: a === undefined ? 'added' : b === undefined ? 'removed' : undefined },
            h(
              'th',
              { scope: 'row' },
              nameElement(
                [partition === undefined ? 'image' : partition, path]
                  .filter((part) => part !== undefined)
                  .join(': '),
              ),
            ),
            h('td', {}, what),
            h('td', {}, nameElement(a ?? '–')),
            h('td', {}, nameElement(b ?? '–')),
          ),
        ),
      ),
    ),
  )
}
