/** Opens an image, and shows it. */
import { h } from '../../../src/cli/report/page/dom.ts'
import type { OpenedImage, Place } from '../protocol.ts'
import type { Client } from './client.ts'
import { dropZone } from './drop-zone.ts'
import { imageView } from './image-view.ts'
import type { Tasks } from './tasks.ts'

export interface OpenPanel {
  element: HTMLElement
  open(place: Place): Promise<void>
}

export function openPanel(client: Client, tasks: Tasks): OpenPanel {
  let image: OpenedImage | undefined
  const view = h('div')
  const open = async (place: Place) => {
    const opened = await openImage(place, client, tasks)
    if (opened === undefined) return
    const before = image
    image = opened
    start.hidden = true
    another.hidden = false
    view.replaceChildren(imageView(opened, client, tasks))
    view.querySelector('h1')?.setAttribute('tabindex', '-1')
    view.querySelector('h1')?.focus()
    tasks.say(`Opened ${opened.name}`)
    if (before !== undefined) await client.call('close', [before.id])
  }
  const start = h(
    'section',
    { class: 'start', label: 'Open an image' },
    h('h1', {}, 'What is in a disk image?'),
    h(
      'p',
      { class: 'lead' },
      'Browse partitions, subvolumes and files, see what takes the space, and check every sum. All of it happens in this page: nothing is uploaded.',
    ),
    imageChooser('Drop a disk image here', (place) => void open(place)),
  )
  const another = h('button', { type: 'button', class: 'another' }, 'Open another image')
  another.hidden = true
  another.addEventListener('click', () => {
    start.hidden = false
    another.hidden = true
    view.replaceChildren()
    start.querySelector('input')?.focus()
    if (image !== undefined) void client.call('close', [image.id])
    image = undefined
  })
  return { element: h('div', { class: 'panel' }, another, start, view), open }
}

/** A file or an address. */
export function imageChooser(title: string, onChosen: (place: Place) => void): HTMLElement {
  const url = h('input', {
    type: 'url',
    required: '',
    placeholder: 'https://example.org/disk.img.zst',
    label: 'Address of an image',
  })
  const form = h('form', { class: 'address' }, url, h('button', { type: 'submit' }, 'Open address'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    onChosen({ url: url.value })
  })
  return h(
    'div',
    { class: 'chooser' },
    dropZone({
      title,
      hint: '.img, .img.zst, .img.xz, or the image of a single file system',
      button: 'Choose a file',
      onFiles: (files) => {
        const [file] = files.values()
        if (file !== undefined) onChosen({ file })
      },
    }),
    form,
    h(
      'p',
      { class: 'hint' },
      'From a server that answers range requests, only the parts that are needed are fetched.',
    ),
  )
}

export function openImage(place: Place, client: Client, tasks: Tasks): Promise<OpenedImage | undefined> {
  const name = 'file' in place ? place.file.name : place.url
  return tasks.run(`Opening ${name}`, (options) => client.call('open', [place], options))
}
