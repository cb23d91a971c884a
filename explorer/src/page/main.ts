/** The page of the explorer. */
import { h } from '../../../src/cli/report/page/dom.ts'
import { Client } from './client.ts'
import { comparePanel } from './compare-panel.ts'
import { makePanel } from './make-panel.ts'
import { openPanel } from './open-panel.ts'
import { tabs } from './tabs.ts'
import { Tasks } from './tasks.ts'

/** Set by the build: the text of the worker. From an address of its own, a page that is a file could not start it. */
declare const WORKER_SCRIPT: string

const worker = new Worker(URL.createObjectURL(new Blob([WORKER_SCRIPT], { type: 'text/javascript' })))
const client = new Client(worker)
const tasks = new Tasks()
const open = openPanel(client, tasks)
const make = makePanel(client, tasks, (file) => {
  navigation.show(0)
  void open.open({ file })
})
const compare = comparePanel(client, tasks)
const navigation = tabs(
  'What to do',
  [
    { title: 'Open', panel: open.element },
    { title: 'Compare', panel: compare },
    { title: 'Make', panel: make },
  ],
  'main-tabs',
)

document
  .querySelector('#app')!
  .replaceChildren(
    h(
      'header',
      { class: 'top' },
      h(
        'p',
        { class: 'brand' },
        h('span', { class: 'mark', 'aria-hidden': 'true' }),
        'diskwright ',
        h('span', {}, 'explorer'),
      ),
      navigation.list,
    ),
    h('main', {}, open.element, compare, make),
    tasks.element,
  )

// A file that misses its place must not replace the page.
for (const type of ['dragover', 'drop']) {
  document.addEventListener(type, (event) => {
    event.preventDefault()
    const [file] = (event as DragEvent).dataTransfer?.files ?? []
    if (type === 'drop' && file !== undefined && !open.element.hidden) void open.open({ file })
  })
}
// An address can be given in that of the page.
const address = new URLSearchParams(location.hash.slice(1)).get('image')
if (address !== null) void open.open({ url: new URL(address, location.href).href })
