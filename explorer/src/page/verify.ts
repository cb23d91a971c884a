/** Checks an image, and shows what is damaged. */
import { h } from '../../../src/cli/report/page/dom.ts'
import { bytesText, countText } from '../../../src/cli/units.ts'
import type { OpenedImage } from '../protocol.ts'
import type { Client } from './client.ts'
import { findingList } from './findings.ts'
import type { Tasks } from './tasks.ts'

export function verifier(image: OpenedImage, client: Client, tasks: Tasks): HTMLElement {
  const result = h('div', { class: 'result' })
  const start = h('button', { type: 'button', class: 'primary' }, 'Verify the image')
  start.addEventListener('click', () => {
    void (async () => {
      start.disabled = true
      result.replaceChildren()
      const found = await tasks.run(`Verifying ${image.name}`, (options) =>
        client.call('verify', [image.id], options),
      )
      start.disabled = false
      if (found === undefined) return
      const { counts, findings, partitions } = found
      const isSound = counts.error === 0
      const verdict = isSound
        ? 'The image is sound.'
        : `The image is damaged: ${countText(counts.error, 'error')}.`
      result.replaceChildren(
        h('p', { class: `verdict ${isSound ? 'sound' : 'damaged'}` }, verdict),
        h(
          'ul',
          { class: 'checked' },
          ...partitions.map(({ number, content, label, size, isChecked, counts: own }) =>
            h(
              'li',
              {},
              h('strong', {}, label || (number === 0 ? image.name : `Partition ${number}`)),
              ` ${content}, ${bytesText(size)}: `,
              isChecked ? (own.error === 0 ? 'sound' : countText(own.error, 'error')) : 'not checked',
            ),
          ),
        ),
        findings.length === 0 ? '' : findingList(findings),
      )
      tasks.say(verdict)
    })()
  })
  const hint =
    'Checks the partition table, the structures of the file systems, and every checksum. This reads all of the image.'
  return h(
    'div',
    { class: 'pane' },
    h('p', { class: 'hint' }, hint),
    h('div', { class: 'buttons' }, start),
    result,
  )
}
