/** The files of an image: the directories as a tree, and beside it what is in one, or a file. */
import { facts } from '../../../src/cli/report/page/parts.ts'
import { h, nameElement } from '../../../src/cli/report/page/dom.ts'
import { modeText } from '../../../src/cli/entry-text.ts'
import { bytesText, countText } from '../../../src/cli/units.ts'
import type { Entry, Node, OpenedImage, OpenedPartition } from '../protocol.ts'
import type { Client } from './client.ts'
import { contentPreview, MAX_PICTURE, picture, pictureType, PREVIEW_BYTES } from './preview.ts'
import { chooseTarget, deliver } from './save.ts'
import type { Tasks } from './tasks.ts'
import { Tree, type TreeItem } from './tree.ts'

/** Entries that are shown at once. */
const PAGE = 500

/** A place in the image: a directory or file, and how one gets there. */
interface Place {
  node: Node
  entry: Pick<Entry, 'name' | 'type'> & Partial<Entry>
  path: string
  above: Place | undefined
}

export function browser(image: OpenedImage, client: Client, tasks: Tasks): HTMLElement {
  const detail = h('section', { class: 'detail', label: 'Content' })
  const roots = image.partitions.flatMap((partition) => rootItem(image, partition))
  if (roots.length === 0) {
    return h('p', { class: 'empty' }, 'There is no file system in this image that can be browsed.')
  }
  const lists = new Map<string, Promise<Entry[]>>()
  const listOf = ({ node }: Place): Promise<Entry[]> => {
    const key = `${node.partition} ${node.ref.tree} ${node.ref.ino}`
    let list = lists.get(key)
    if (list === undefined) {
      lists.set(key, (list = client.call('list', [node])))
      list.catch(() => lists.delete(key))
    }
    return list
  }
  let shown: Place | undefined
  const show = async (place: Place) => {
    shown = place
    detail.replaceChildren(h('p', { class: 'hint' }, 'Reading…'))
    const content = await tasks.run(`Reading ${place.path}`, () =>
      place.entry.type === 'directory' ? directoryView(place) : fileView(place),
    )
    if (shown === place) detail.replaceChildren(...(content ?? [heading(place)]))
  }
  const childrenOf = async ({ value }: TreeItem<Place>) => {
    const entries = (await tasks.run(`Reading ${value.path}`, () => listOf(value))) ?? []
    return entries.filter(({ type }) => type === 'directory').map((entry) => itemOf(below(value, entry)))
  }
  const tree: Tree<Place> = new Tree({
    label: 'Directories',
    roots,
    children: childrenOf,
    onSelect: ({ value }) => void show(value),
  })

  /** Opens what has been chosen in the list; the heading gets the focus, so that it is read out. */
  const go = async (place: Place) => {
    if (place.entry.type === 'directory')
      await tree.select(({ path, node }) => path === place.path && node.partition === place.node.partition)
    else await show(place)
    const title = detail.querySelector('h2')
    if (title === null) return
    title.focus()
  }

  const directoryView = async (place: Place): Promise<HTMLElement[]> => {
    const entries = await listOf(place)
    const table = h(
      'table',
      { class: 'list' },
      h('caption', { class: 'for-readers' }, `Entries of ${place.path}`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Name', 'Size', 'Modified', 'Mode', 'Owner'].map((text) => h('th', { scope: 'col' }, text)),
        ),
      ),
    )
    const body = h('tbody')
    table.append(body)
    const more = h('button', { type: 'button' }, '')
    const add = (from: number) => {
      const end = Math.min(from + PAGE, entries.length)
      body.append(...entries.slice(from, end).map((entry) => row(entry, () => void go(below(place, entry)))))
      more.textContent = `Show more (${countText(entries.length - end, 'entry', 'entries')} left)`
      more.hidden = end === entries.length
      more.onclick = () => add(end)
    }
    add(0)
    const save = saveButton('Download as tar', place, 'tar', `${nameOf(place)}.tar`)
    return [
      heading(place, countText(entries.length, 'entry', 'entries')),
      h('div', { class: 'buttons' }, save),
      entries.length === 0 ? h('p', { class: 'hint' }, 'The directory is empty.') : table,
      more,
    ]
  }

  const fileView = async (place: Place): Promise<HTMLElement[]> => {
    const { entry } = place
    const { type, size = 0 } = entry
    const head = [heading(place, type === 'file' ? bytesText(size) : type), attributes(entry)]
    if (type !== 'file') return head
    const start = await client.call('read', [place.node, Math.min(size, PREVIEW_BYTES)])
    const format = pictureType(start, entry.name)
    const content =
      format !== undefined && size <= MAX_PICTURE
        ? picture(await client.call('read', [place.node, size]), format, entry.name)
        : contentPreview(start, size)
    return [
      ...head,
      h('div', { class: 'buttons' }, saveButton('Download', place, 'file', entry.name)),
      content,
    ]
  }

  const saveButton = (text: string, { node, path }: Place, type: 'file' | 'tar', name: string) => {
    const button = h('button', { type: 'button', class: 'primary' }, text)
    button.addEventListener('click', () => {
      void (async () => {
        const target = await chooseTarget(name)
        if (target === undefined) return
        const saved = await tasks.run(`Saving ${path}`, (options) =>
          client.call('save', [node, type, target], options),
        )
        if (saved === undefined) return
        deliver(saved, target, name)
        tasks.say(`Saved ${name}, ${bytesText(saved.bytes)}`)
      })()
    })
    return button
  }

  const heading = (place: Place, note?: string) => {
    const steps: Place[] = []
    for (let step: Place | undefined = place; step !== undefined; step = step.above) steps.unshift(step)
    const way = steps.slice(0, -1).map((step) => {
      const button = h('button', { type: 'button', class: 'step' }, nameElement(step.entry.name))
      button.addEventListener('click', () => void go(step))
      return h('li', {}, button)
    })
    return h(
      'header',
      {},
      h('nav', { label: 'Path' }, h('ol', { class: 'way' }, ...way)),
      h('h2', { tabindex: '-1' }, nameElement(place.entry.name)),
      note === undefined ? undefined : h('p', { class: 'hint' }, note),
    )
  }

  void tree.select((value) => value === roots.at(-1)!.value)
  return h(
    'div',
    { class: 'browse' },
    h('nav', { class: 'side', label: 'Directories' }, tree.element),
    detail,
  )
}

function rootItem(image: OpenedImage, { number, root, label, content }: OpenedPartition): TreeItem<Place>[] {
  if (root === undefined) return []
  const name = label || (number === 0 ? image.name : `Partition ${number}`)
  const node: Node = { image: image.id, partition: number, ref: root }
  const value: Place = { node, entry: { name, type: 'directory' }, path: '/', above: undefined }
  return [{ name, note: content?.toUpperCase(), sign: 'sign-disk', value }]
}

function below(above: Place, entry: Entry): Place {
  const path = above.path === '/' ? `/${entry.name}` : `${above.path}/${entry.name}`
  return { node: { ...above.node, ref: entry.ref }, entry, path, above }
}

function itemOf(value: Place): TreeItem<Place> {
  const isSubvolume = value.entry.isSubvolume === true
  return {
    name: value.entry.name,
    note: isSubvolume ? 'subvolume' : undefined,
    sign: isSubvolume ? 'sign-subvolume' : 'sign-directory',
    value,
  }
}

const nameOf = ({ entry, path }: Place) => (path === '/' ? entry.name : (path.split('/').at(-1) ?? 'files'))

const SIGNS: Partial<Record<Entry['type'], string>> = {
  directory: 'sign-directory',
  symlink: 'sign-link',
  file: 'sign-file',
}

function row(entry: Entry, onOpen: () => void): HTMLElement {
  const { name, type, isSubvolume, size, mtime, target, uid, gid } = entry
  const open = h('button', { type: 'button', class: 'entry' }, nameElement(name))
  open.addEventListener('click', onOpen)
  const note =
    target !== undefined
      ? `→ ${target}`
      : isSubvolume
        ? 'subvolume'
        : type === 'file' || type === 'directory'
          ? ''
          : type
  const sign = isSubvolume ? 'sign-subvolume' : (SIGNS[type] ?? 'sign-special')
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      h('span', { class: `sign ${sign}`, 'aria-hidden': 'true' }),
      open,
      note === '' ? undefined : h('span', { class: 'entry-note' }, nameElement(note)),
    ),
    h('td', { class: 'number' }, type === 'file' ? bytesText(size) : ''),
    h('td', {}, timeText(mtime)),
    h('td', {}, h('code', {}, modeText(entry))),
    h('td', { class: 'number' }, `${uid}:${gid}`),
  )
}

function attributes(entry: Partial<Entry>): HTMLElement {
  const { type, mode, uid, gid, mtime, size, target } = entry
  return facts([
    ['Size', type === 'file' && size !== undefined ? `${size.toLocaleString('en-US')} bytes` : undefined],
    ['Target', target === undefined ? undefined : nameElement(target)],
    ['Mode', mode === undefined ? undefined : h('code', {}, modeText({ type: type!, mode }))],
    ['Owner', uid === undefined ? undefined : `${uid}:${gid}`],
    ['Modified', mtime === undefined ? undefined : timeText(mtime)],
  ])
}

function timeText(seconds: number): string {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 16).replace('T', ' ')
}
