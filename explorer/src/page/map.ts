/** The page of `diskwright inspect --html`, in a frame of its own. */
import { h } from '../../../src/cli/report/page/dom.ts'
import type { OpenedImage } from '../protocol.ts'
import type { Client } from './client.ts'
import type { Tasks } from './tasks.ts'

/** Set by the build: the script and the style of that page. */
declare const INSPECT_SCRIPT: string
declare const INSPECT_STYLE: string

export async function showMap(
  target: HTMLElement,
  image: OpenedImage,
  client: Client,
  tasks: Tasks,
): Promise<void> {
  target.replaceChildren(h('p', { class: 'hint' }, 'Reading the structures of the image…'))
  const report = await tasks.run(`Inspecting ${image.name}`, (options) =>
    client.call('inspect', [image.id], options),
  )
  if (report === undefined) {
    target.replaceChildren()
    return
  }
  const frame = h('iframe', { title: `What ${image.name} is made of`, class: 'map' })
  const json = JSON.stringify({ name: image.name, report }).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  frame.srcdoc = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Map</title>
<style>${INSPECT_STYLE}</style></head><body><main></main>
<script type="application/json" id="report">${json}</script><script>${INSPECT_SCRIPT}</script></body></html>`
  frame.addEventListener('load', () => {
    const { contentDocument } = frame
    if (contentDocument === null) return
    const fit = () => (frame.style.height = `${contentDocument.documentElement.scrollHeight}px`)
    new ResizeObserver(fit).observe(contentDocument.body)
    fit()
  })
  target.replaceChildren(frame)
}
