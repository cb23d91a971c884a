/** A FAT file system. */
import type { FatUsage } from '../../../image/public-types.ts'
import { bytesText, countText } from '../../units.ts'
import { bar, legend, type MapPiece, withGaps } from './disk-map.ts'
import { h } from './dom.ts'
import { facts, figures, section } from './parts.ts'
import { largestFiles, sizesSection } from './sizes.ts'
import { kindClass, kindText, strip, summaryText } from './strip.ts'
import { capitalised, numberText, shareText } from './texts.ts'

export function fatSections(usage: FatUsage): HTMLElement[] {
  return [
    fatOverview(usage),
    areas(usage),
    sizesSection(usage.directories, new Map(), false),
    ...files(usage),
  ]
}

function files(usage: FatUsage): HTMLElement[] {
  const found = largestFiles(usage.largestFiles)
  return found === undefined ? [] : [found]
}

function fatOverview(usage: FatUsage): HTMLElement {
  const { clusters, usedClusters, clusterSize } = usage
  return h(
    'div',
    {},
    figures([
      {
        title: 'Files',
        text: numberText(usage.files),
        more: countText(usage.directoryCount, 'directory', 'directories'),
      },
      { title: 'Content', text: bytesText(usage.apparentBytes), more: 'sizes of all files' },
      { title: 'Used', text: bytesText(usage.usedBytes), more: shareText(usedClusters, clusters) },
      { title: 'Free', text: bytesText(usage.freeBytes), more: `of ${bytesText(clusters * clusterSize)}` },
    ]),
    facts([
      ['Type', usage.type.toUpperCase()],
      ['Volume id', h('code', {}, usage.volumeId)],
      ['Clusters', `${numberText(clusters)} of ${bytesText(clusterSize)}`],
      ['Sectors', bytesText(usage.sectorSize)],
      ['Bad clusters', usage.badClusters === 0 ? undefined : numberText(usage.badClusters)],
    ]),
  )
}

function areas(usage: FatUsage): HTMLElement {
  const { occupancy, totalBytes, dataBytes } = usage
  const pieces = usage.areas.map(({ kind, start, size }): MapPiece => {
    return { start, size, title: capitalised(kind), lines: [bytesText(size)], class: areaClass(kind) }
  })
  const summary = `${shareText(usage.usedBytes, dataBytes)} of ${bytesText(dataBytes)} used: ${summaryText(occupancy, dataBytes)}`
  const kinds = Object.keys(occupancy.use)
  return section(
    'Areas',
    bar('Areas of the volume', withGaps(pieces, totalBytes, 'not used'), totalBytes),
    h(
      'div',
      { class: 'chunks' },
      h(
        'div',
        { class: 'chunk' },
        h(
          'div',
          { class: 'chunk-title' },
          h('span', {}, h('i', { class: 'swatch area-data' }), 'Data'),
          h('span', { class: 'dim' }, bytesText(dataBytes)),
          h('span', { class: 'chunk-used' }, `${shareText(usage.usedBytes, dataBytes)} used`),
        ),
        strip({ title: 'Data', size: dataBytes, occupancy, summary }),
      ),
    ),
    legend([
      ...kinds.map((kind) => ({ class: kindClass(kind), text: kindText(kind) })),
      { class: 'kind-free', text: 'free' },
    ]),
  )
}

const areaClass = (kind: string) => `area-${kind.replaceAll(' ', '-')}`
