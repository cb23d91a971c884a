/** An image that is open: what it is, its files, its map, whether it is sound. */
import { bar, withGaps } from '../../../src/cli/report/page/disk-map.ts'
import { h, nameElement } from '../../../src/cli/report/page/dom.ts'
import { bytesText, countText } from '../../../src/cli/units.ts'
import type { OpenedImage, OpenedPartition } from '../protocol.ts'
import { browser } from './browse.ts'
import type { Client } from './client.ts'
import { showMap } from './map.ts'
import { tabs } from './tabs.ts'
import type { Tasks } from './tasks.ts'
import { verifier } from './verify.ts'

const TABLES: Record<string, string> = { mbr: 'MBR', gpt: 'GPT', hybrid: 'GPT and MBR (hybrid)' }

export function imageView(image: OpenedImage, client: Client, tasks: Tasks): HTMLElement {
  const map = h('div', { class: 'pane' })
  const files = h('div', {}, browser(image, client, tasks))
  const check = h('div', {}, verifier(image, client, tasks))
  const { list } = tabs(
    'Views of the image',
    [
      { title: 'Files', panel: files },
      { title: 'Map', panel: map, onFirst: () => void showMap(map, image, client, tasks) },
      { title: 'Verify', panel: check },
    ],
    'tabs',
  )
  const problems = image.partitions.flatMap(({ number, problem }) =>
    problem === undefined ? [] : [h('p', { class: 'problem' }, `Partition ${number}: ${problem}`)],
  )
  return h('div', { class: 'image' }, summary(image), ...problems, list, files, map, check)
}

export function summary({ name, size, compression, table, partitions }: OpenedImage): HTMLElement {
  const isDisk = table !== undefined
  const texts = [
    bytesText(size),
    compression === undefined
      ? 'not compressed'
      : `${bytesText(compression.storedBytes)} in ${compression.format}`,
    isDisk ? (TABLES[table] ?? table) : 'no partition table',
    isDisk ? countText(partitions.length, 'partition') : '',
  ]
  const pieces = partitions.map((partition) => pieceOf(partition))
  return h(
    'header',
    { class: 'image-head' },
    h('h1', {}, nameElement(name)),
    h('p', { class: 'lead' }, texts.filter((text) => text !== '').join(' · ')),
    bar('Partitions', isDisk ? withGaps(pieces, size, 'in no partition') : pieces, size),
  )
}

function pieceOf({ number, start, size, label, content }: OpenedPartition) {
  const kind = content === 'btrfs' ? 'btrfs' : content?.startsWith('fat') ? 'fat' : 'other'
  return {
    ...{ start, size },
    title: [number === 0 ? '' : String(number), label].filter((text) => text !== '').join(' ') || 'Image',
    lines: [(content ?? 'unknown').toUpperCase(), bytesText(size)],
    class: `content-${kind}`,
  }
}
