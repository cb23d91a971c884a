/** The page of `diskwright inspect --html`: makes elements of the report that is in it. */
import type { ImageReport, PartitionReport } from '../../../image/public-types.ts'
import { formatFinding, type Finding } from '../../../lib/finding.ts'
import { bytesText, countText } from '../../units.ts'
import { btrfsSections } from './btrfs.ts'
import { bar, type MapPiece, withGaps } from './disk-map.ts'
import { h, nameElement } from './dom.ts'
import { fatSections } from './fat.ts'
import { facts } from './parts.ts'
import { exactBytes, rangeText } from './texts.ts'

function show({ name, report }: { name: string; report: ImageReport }): void {
  const main = document.querySelector('main')!
  main.replaceChildren(
    head(name, report),
    ...(report.findings.length === 0 ? [] : [findingsSection(report.findings)]),
    disk(report),
    ...report.partitions.map((partition) => partitionCard(partition)),
  )
}

function head(name: string, { size, compression, table, partitions }: ImageReport): HTMLElement {
  const format = compression === undefined ? 'raw image' : `${compression.format}-compressed image`
  const tables = { mbr: 'MBR', gpt: 'GPT', hybrid: 'GPT and MBR (hybrid)' }
  return h(
    'header',
    {},
    h('h1', {}, nameElement(name)),
    h(
      'p',
      { class: 'lead' },
      [
        `${bytesText(size)} ${format}`,
        table === undefined ? 'no partition table' : tables[table.type],
        countText(table === undefined ? 0 : partitions.length, 'partition'),
      ]
        .filter((text) => text !== '0 partitions')
        .join(' · '),
    ),
    facts([
      ['Size', exactBytes(size)],
      [
        'Compressed',
        compression && `${exactBytes(compression.storedBytes)} in ${countText(compression.frames, 'frame')}`,
      ],
      ['Disk id', table?.diskId && h('code', {}, table.diskId)],
      ['Disk GUID', table?.guid && h('code', {}, table.guid)],
      ['Sectors', table && bytesText(table.sectorSize)],
      ['Table', table?.usesBackup === true ? 'read from the copy: the first one is damaged' : undefined],
    ]),
  )
}

function findingsSection(findings: readonly Finding[]): HTMLElement {
  return h(
    'section',
    { class: 'findings', label: 'Findings' },
    h('h2', {}, countText(findings.length, 'finding')),
    h('ul', {}, ...findings.map((finding) => h('li', {}, nameElement(formatFinding(finding))))),
  )
}

function disk({ size, partitions, gaps, table }: ImageReport): HTMLElement {
  const pieces = partitions.map((partition): MapPiece => {
    const { number, start, size } = partition
    return {
      start,
      size,
      title: number === 0 ? 'Image' : `${number}${labelOf(partition) === '' ? '' : ` ${labelOf(partition)}`}`,
      lines: [contentText(partition), bytesText(size)],
      class: `content-${partition.fileSystem?.type ?? 'other'}`,
      href: `#${idOf(partition)}`,
    }
  })
  const all = gaps.length > 0 || table !== undefined ? withGaps(pieces, size, 'in no partition') : pieces
  return h('section', { class: 'disk' }, h('h2', {}, 'Disk'), bar('Partitions of the disk', all, size))
}

const idOf = ({ number }: PartitionReport) => `partition-${number}`
const labelOf = ({ fileSystem, name }: PartitionReport) => fileSystem?.label || name

function contentText({ content, typeName, type }: PartitionReport): string {
  if (content !== undefined) return /^(btrfs|fat\d+)$/.test(content) ? content.toUpperCase() : content
  return typeName ?? (type === '' ? 'nothing known' : `type ${type}`)
}

function partitionCard(partition: PartitionReport): HTMLElement {
  const { number, start, size, type, typeName, bootable, name, guid, isLogical, fileSystem } = partition
  const label = labelOf(partition)
  const where = number === 0 ? '' : rangeText(start, size)
  return h(
    'article',
    { id: idOf(partition), class: `content-${fileSystem?.type ?? 'other'}` },
    h(
      'h2',
      {},
      number === 0 ? undefined : h('span', { class: 'partition-number' }, number),
      label === '' ? undefined : nameElement(label),
      h('span', { class: 'partition-type' }, contentText(partition)),
    ),
    h(
      'p',
      { class: 'lead' },
      [
        bytesText(size),
        where,
        type === '' ? '' : `type ${type}${typeName === undefined ? '' : ` (${typeName})`}`,
        bootable ? 'bootable' : '',
        isLogical ? 'logical' : '',
        name !== '' && name !== label ? `named ${name}` : '',
        guid ?? '',
      ]
        .filter((text) => text !== '')
        .join(' · '),
    ),
    ...(fileSystem === undefined
      ? []
      : fileSystem.type === 'btrfs'
        ? btrfsSections(fileSystem)
        : fatSections(fileSystem)),
  )
}

show(JSON.parse(document.getElementById('report')!.textContent) as { name: string; report: ImageReport })
