/** The report of an inspection for people. */
import type {
  BtrfsUsage,
  ChunkUsage,
  FatUsage,
  ImageReport,
  PartitionReport,
  SubvolumeUsage,
} from '../image/public-types.ts'
import { formatFinding } from '../lib/finding.ts'
import { bytesText, columns, countText, digitGroups } from './units.ts'

const TABLES = { mbr: 'MBR', gpt: 'GPT', hybrid: 'GPT and MBR (hybrid)' }
/** Of each file system. */
const LARGEST_SHOWN = 5

export function reportText(report: ImageReport): string {
  const sections = [imageText(report), ...report.partitions.map(partitionText)]
  if (report.findings.length > 0) {
    sections.push(`Findings\n${report.findings.map((finding) => `  ${formatFinding(finding)}\n`).join('')}`)
  }
  return sections.join('\n')
}

function imageText({ size, compression, table, gaps }: ImageReport): string {
  const parts = [
    `${bytesText(size)} image`,
    ...(compression === undefined
      ? []
      : [
          `${compression.format} ${bytesText(compression.storedBytes)} in ${countText(compression.frames, 'frame')}`,
        ]),
    table === undefined ? 'no partition table' : TABLES[table.type],
    ...(table?.diskId === undefined ? [] : [`disk id ${table.diskId}`]),
    ...(table?.guid === undefined ? [] : [`disk ${table.guid}`]),
  ]
  const unused = gaps.reduce((sum, gap) => sum + gap.size, 0)
  const rest = table === undefined ? '' : `, ${bytesText(unused)} in no partition`
  return `${parts.join(', ')}${rest}\n`
}

function partitionText(partition: PartitionReport): string {
  const { number, start, size, type, typeName, bootable, name, guid, isLogical, fileSystem, content } =
    partition
  const label = fileSystem?.label ?? ''
  const title = [
    ...(number === 0 ? [] : [`${number}:`]),
    content === undefined
      ? 'nothing known'
      : /^(btrfs|fat\d+)$/.test(content)
        ? content.toUpperCase()
        : content,
    ...(label === '' ? [] : [JSON.stringify(label)]),
  ].join(' ')
  const traits = [...(bootable ? ['bootable'] : []), ...(isLogical ? ['logical'] : [])]
  const rows = [
    ...(number === 0 ? [] : [['start', placeText(start)]]),
    ['size', placeText(size)],
    ...(type === '' ? [] : [['type', typeName === undefined ? type : `${type} ${typeName}`]]),
    ...(name === '' ? [] : [['name', JSON.stringify(name)]]),
    ...(guid === undefined ? [] : [['guid', guid]]),
    ...(fileSystem === undefined
      ? []
      : fileSystem.type === 'btrfs'
        ? btrfsRows(fileSystem)
        : fatRows(fileSystem)),
  ]
  const more = fileSystem?.type === 'btrfs' ? btrfsTables(fileSystem) : ''
  const largest = fileSystem === undefined ? '' : largestText(fileSystem)
  return `${[title, ...traits].join(', ')}\n${columns(rows, '  ')}\n${more}${largest}`
}

function fatRows(usage: FatUsage): string[][] {
  const { clusters, clusterSize, usedBytes, freeBytes, badClusters } = usage
  return [
    ['volume id', usage.volumeId],
    ['clusters', `${digitGroups(clusters)} of ${bytesText(clusterSize)}`],
    ['used', `${bytesText(usedBytes)}, ${bytesText(freeBytes)} free`],
    ...(badClusters === 0 ? [] : [['bad', countText(badClusters, 'cluster')]]),
    [
      'content',
      `${countText(usage.files, 'file')}, ${countText(usage.directoryCount, 'directory', 'directories')}, ${bytesText(usage.apparentBytes)}`,
    ],
  ]
}

function btrfsRows(usage: BtrfsUsage): string[][] {
  const { totals, features, devices, totalBytes, superblocks, generation } = usage
  const allocated = devices.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0)
  const wrong = superblocks.filter((copy) => copy.state !== 'sound' || copy.generation !== generation)
  const files = `${countText(totals.files, 'file')}, ${countText(totals.directories, 'directory', 'directories')}`
  return [
    ['uuid', usage.uuid ?? 'none'],
    ['generation', String(generation)],
    ['sizes', `nodes ${bytesText(usage.nodeSize)}, sectors ${bytesText(usage.sectorSize)}`],
    ['checksum', usage.checksum],
    ['features', [...features.incompat, ...features.compatRo, ...features.compat].join(' ')],
    ...(devices.length > 1 ? [['device', `${usage.deviceId} of ${devices.length}`]] : []),
    ...wrong.map((copy) => [
      'superblock',
      `at ${bytesText(copy.offset)}: ${copy.state === 'sound' ? `generation ${copy.generation}` : copy.state}`,
    ]),
    ...(usage.hasLogTree ? [['log tree', 'there is one: what was fsynced last is in no subvolume yet']] : []),
    ['default', String(usage.defaultSubvolume)],
    ['allocated', `${bytesText(allocated)} of ${bytesText(totalBytes)}`],
    ['content', `${files}, ${bytesText(totals.apparentBytes)}`],
    [
      'on disk',
      [
        bytesText(totals.storedBytes),
        ...(totals.compressionRatio === undefined
          ? []
          : [`compression ${ratioText(totals.compressionRatio)}`]),
        ...(totals.sharedBytes === 0 ? [] : [`${bytesText(totals.sharedBytes)} shared by files`]),
      ].join(', '),
    ],
    ['metadata', `${bytesText(totals.metadataBytes)} a copy`],
  ]
}

function btrfsTables(usage: BtrfsUsage): string {
  return [
    '  chunks\n',
    `${columns([['type', 'profile', 'number', 'size', 'used'], ...chunkRows(usage.chunks)], '    ')}\n`,
    '  data by compression\n',
    `${columns([['kind', 'extents', 'on disk', 'content'], ...kindRows(usage)], '    ')}\n`,
    '  subvolumes\n',
    `${columns([SUBVOLUME_TITLES, ...usage.subvolumes.map(subvolumeRow)], '    ')}\n`,
  ].join('')
}

/** Chunks of one kind in one row: there may be thousands. */
function chunkRows(chunks: readonly ChunkUsage[]): string[][] {
  const rows = new Map<
    string,
    { type: string; profile: string; number: number; size: number; used: number }
  >()
  for (const { type, profile, length, usedBytes = 0 } of chunks) {
    const key = `${type} ${profile}`
    const row = rows.get(key) ?? { type, profile, number: 0, size: 0, used: 0 }
    rows.set(key, { ...row, number: row.number + 1, size: row.size + length, used: row.used + usedBytes })
  }
  return [...rows.values()].map(({ type, profile, number, size, used }) => [
    type,
    profile,
    String(number),
    bytesText(size),
    `${bytesText(used)} (${Math.round((100 * used) / size)} %)`,
  ])
}

function kindRows({ totals: { extents, inline } }: BtrfsUsage): string[][] {
  const row = (kind: string, count: number, stored: { storedBytes: number; contentBytes: number }) => [
    kind,
    digitGroups(count),
    bytesText(stored.storedBytes),
    bytesText(stored.contentBytes),
  ]
  return [
    ...Object.entries(extents).map(([kind, stored]) => row(kind, stored.extents, stored)),
    ...(inline.files === 0 ? [] : [row('inline', inline.files, inline)]),
  ]
}

const SUBVOLUME_TITLES = ['id', 'path', 'files', 'content', 'on disk', 'own', 'ratio', 'traits']

function subvolumeRow(subvolume: SubvolumeUsage): string[] {
  const { id, path, files, apparentBytes, storedBytes, sharedBytes, compressionRatio } = subvolume
  return [
    String(id),
    path === '' ? '(top level)' : path,
    digitGroups(files),
    bytesText(apparentBytes),
    bytesText(storedBytes),
    bytesText(storedBytes - sharedBytes),
    compressionRatio === undefined ? '-' : ratioText(compressionRatio),
    [
      ...(subvolume.default ? ['default'] : []),
      ...(subvolume.readOnly ? ['read-only'] : []),
      ...(subvolume.parentUuid === undefined ? [] : ['snapshot']),
      ...(subvolume.nodatacowBytes === 0 ? [] : [`nodatacow ${bytesText(subvolume.nodatacowBytes)}`]),
    ].join(', '),
  ]
}

function largestText({ largestFiles }: BtrfsUsage | FatUsage): string {
  if (largestFiles.length === 0) return ''
  const rows = largestFiles.slice(0, LARGEST_SHOWN).map((file) => [bytesText(file.storedBytes), file.path])
  return `  largest files\n${columns(rows, '    ')}\n`
}

const ratioText = (ratio: number) => `${ratio.toFixed(ratio < 10 ? 2 : 1)}x`

function placeText(bytes: number): string {
  return bytes < 1024 ? bytesText(bytes) : `${bytesText(bytes)} (${bytes} bytes)`
}
