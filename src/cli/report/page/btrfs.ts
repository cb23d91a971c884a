/** A BTRFS file system. */
import type { BtrfsUsage, ChunkUsage, SubvolumeUsage } from '../../../image/public-types.ts'
import { bytesText, countText } from '../../units.ts'
import { bar, legend, type MapPiece, withGaps } from './disk-map.ts'
import { type Child, h, nameElement } from './dom.ts'
import { facts, figures, fold, section, table } from './parts.ts'
import { kindClass, kindText, occupancySummary, strip, summaryText } from './strip.ts'
import { capitalised, numberText, ratioText, shareText } from './texts.ts'
import { largestFiles, sizesSection } from './sizes.ts'
import { addTip } from './tooltip.ts'

/** Chunks that are shown at once. */
const CHUNKS_SHOWN = 12

export function btrfsSections(usage: BtrfsUsage): HTMLElement[] {
  const paths = new Map(usage.subvolumes.map(({ id, path }) => [id, path === '' ? 'top level' : path]))
  return [
    btrfsOverview(usage),
    chunkMap(usage),
    sizesSection(usage.directories, paths, hasCompression(usage)),
    subvolumeTable(usage),
    details(usage),
  ]
}

function hasCompression({ totals }: BtrfsUsage): boolean {
  const { zlib, lzo, zstd } = totals.extents
  return [zlib, lzo, zstd].some((kind) => kind !== undefined) || (totals.compressionRatio ?? 1) > 1
}

function btrfsOverview(usage: BtrfsUsage): HTMLElement {
  const { totals, totalBytes, devices, deviceId } = usage
  const allocated = devices.reduce((sum, device) => sum + device.allocatedBytes, 0)
  const device = devices.find(({ id }) => id === deviceId)
  return h(
    'div',
    {},
    figures([
      {
        title: 'Files',
        text: numberText(totals.files),
        more: countText(totals.directories, 'directory', 'directories'),
      },
      { title: 'Content', text: bytesText(totals.apparentBytes), more: 'sizes of all files' },
      {
        title: 'On disk',
        text: bytesText(totals.storedBytes),
        more: shareText(totals.storedBytes, totals.apparentBytes),
      },
      { title: 'Compression', text: ratioText(totals.compressionRatio), more: 'content per stored byte' },
      {
        title: 'Shared',
        text: bytesText(totals.sharedBytes),
        more: 'extents of more than one file',
      },
      { title: 'Metadata', text: bytesText(totals.metadataBytes), more: 'tree blocks, one copy' },
      {
        title: 'Not allocated',
        text: bytesText(Math.max(0, totalBytes - allocated)),
        more: `of ${bytesText(totalBytes)}`,
      },
    ]),
    facts([
      ['UUID', usage.uuid && h('code', {}, usage.uuid)],
      ['Generation', numberText(usage.generation)],
      ['Checksum', usage.checksum],
      ['Sectors and nodes', `${bytesText(usage.sectorSize)}, ${bytesText(usage.nodeSize)}`],
      [
        'Profiles',
        Object.entries(usage.profiles)
          .map(([type, profiles]) => `${type} ${profiles.join(' and ')}`)
          .join(', '),
      ],
      ['Default subvolume', defaultText(usage)],
      ['Superblocks', superblockText(usage)],
      ['Log tree', usage.hasLogTree ? 'yes: what was fsynced last is not in the trees yet' : undefined],
      ['Device', usage.devices.length > 1 ? `${deviceId} of ${usage.devices.length}` : undefined],
      ['Device UUID', device?.uuid && h('code', {}, device.uuid)],
    ]),
  )
}

function defaultText({ subvolumes, defaultSubvolume }: BtrfsUsage): Child {
  const found = subvolumes.find(({ id }) => id === defaultSubvolume)
  return nameElement(
    `${found === undefined || found.path === '' ? 'top level' : found.path} (${defaultSubvolume})`,
  )
}

function superblockText({ superblocks, generation }: BtrfsUsage): string {
  return superblocks
    .map((copy) => {
      const isOlder = copy.state === 'sound' && copy.generation !== generation
      const state = isOlder ? `generation ${copy.generation}` : copy.state
      return `${bytesText(copy.offset)}: ${state}`
    })
    .join(', ')
}

/** Places of the chunks on the device, and what fills each of them. */
function chunkMap(usage: BtrfsUsage): HTMLElement {
  const { chunks, deviceId } = usage
  const pieces = chunks.flatMap((chunk) => piecesOf(chunk, deviceId))
  const size = usage.devices.find(({ id }) => id === deviceId)?.totalBytes ?? usage.totalBytes
  const kinds = new Set(chunks.flatMap(({ occupancy }) => Object.keys(occupancy.use)))
  const types = [...new Set(chunks.map(({ type }) => type))]
  const rows = chunks.map(chunkRow)
  return section(
    'Chunks',
    h('p', { class: 'note' }, 'Where they lie on the device, and what fills each of them.'),
    bar('Chunks on the device', withGaps(pieces, size, 'not allocated'), size),
    legend([
      ...types.map((type) => ({ class: chunkClass(type), text: type })),
      { class: 'swatch-gap', text: 'not allocated' },
    ]),
    h('div', { class: 'chunks' }, ...rows.slice(0, CHUNKS_SHOWN)),
    rows.length > CHUNKS_SHOWN
      ? fold(
          `${rows.length - CHUNKS_SHOWN} more chunks`,
          h('div', { class: 'chunks' }, ...rows.slice(CHUNKS_SHOWN)),
        )
      : undefined,
    legend([
      ...[...kinds].map((kind) => ({ class: kindClass(kind), text: kindText(kind) })),
      { class: 'kind-free', text: 'free' },
    ]),
  )
}

const chunkClass = (type: ChunkUsage['type']) => `chunk-${type.replaceAll(' ', '-')}`

function piecesOf(chunk: ChunkUsage, deviceId: number): MapPiece[] {
  const { type, profile, stripes, length, logical } = chunk
  const here = stripes.filter(({ device }) => device === deviceId)
  const size = isStriped(profile) ? length / Math.max(1, stripes.length) : length
  return here.map(({ offset }, i) => ({
    start: offset,
    size,
    title: capitalised(type),
    lines: [here.length > 1 && !isStriped(profile) ? `copy ${i + 1} of ${here.length}` : profile],
    class: chunkClass(type),
    group: String(logical),
  }))
}

/** Profiles that spread a chunk over several devices. */
const isStriped = (profile: string) => ['raid0', 'raid10', 'raid5', 'raid6'].includes(profile)

function chunkRow(chunk: ChunkUsage): HTMLElement {
  const { type, profile, length, usedBytes, logical, occupancy } = chunk
  const title = `${capitalised(type)}, ${profile}`
  const used = usedBytes ?? occupancySummary(occupancy, length).reduce((sum, { bytes }) => sum + bytes, 0)
  const summary = `${shareText(used, length)} of ${bytesText(length)} used: ${summaryText(occupancy, length)}`
  return h(
    'div',
    { class: 'chunk' },
    h(
      'div',
      { class: 'chunk-title' },
      h('span', {}, h('i', { class: `swatch ${chunkClass(type)}` }), title),
      h('span', { class: 'dim' }, `${bytesText(length)} at ${bytesText(logical)}`),
      h('span', { class: 'chunk-used' }, `${shareText(used, length)} used`),
    ),
    strip({ title, size: length, occupancy, summary }),
  )
}

function subvolumeTable({ subvolumes }: BtrfsUsage): HTMLElement {
  const most = Math.max(
    1,
    ...subvolumes.map(({ apparentBytes, storedBytes }) => Math.max(apparentBytes, storedBytes)),
  )
  const columns = [
    { title: 'Subvolume' },
    { title: 'Files', isNumber: true },
    { title: 'Content and what it takes on disk' },
    { title: 'Compression', isNumber: true },
    { title: 'Metadata', isNumber: true },
  ]
  return section(
    'Subvolumes',
    legend([
      { class: 'part-apparent', text: 'content' },
      { class: 'part-exclusive', text: 'on disk, its own' },
      { class: 'part-shared', text: 'on disk, shared with other subvolumes' },
      { class: 'part-inline', text: 'inline, in the metadata' },
    ]),
    table(
      'Subvolumes',
      columns,
      subvolumes.map((subvolume) => [
        subvolumeName(subvolume),
        numberText(subvolume.files),
        sizeBars(subvolume, most),
        ratioText(subvolume.compressionRatio),
        h(
          'span',
          {},
          `${numberText(subvolume.metadataBlocks)} ${subvolume.metadataBlocks === 1 ? 'block' : 'blocks'}`,
        ),
      ]),
    ),
  )
}

function subvolumeName(subvolume: SubvolumeUsage): HTMLElement {
  const { id, path, readOnly, parentUuid, nodatacowBytes, uuid } = subvolume
  const traits = [
    `id ${id}`,
    ...(subvolume.default ? ['default'] : []),
    ...(readOnly ? ['read-only'] : []),
    ...(parentUuid === undefined ? [] : ['snapshot']),
    ...(nodatacowBytes > 0 ? [`${bytesText(nodatacowBytes)} nodatacow`] : []),
  ]
  return h(
    'div',
    { title: uuid ?? '' },
    path === '' ? h('em', {}, 'top level') : nameElement(path, 'subvolume-name'),
    h('div', { class: 'dim' }, traits.join(', ')),
  )
}

function sizeBars(subvolume: SubvolumeUsage, most: number): HTMLElement {
  const { apparentBytes, storedBytes, exclusiveBytes, sharedBytes, inline } = subvolume
  const part = (className: string, bytes: number) => {
    const element = h('i', { class: className })
    element.style.width = `${(100 * bytes) / most}%`
    return element
  }
  const element = h(
    'div',
    { class: 'sizes' },
    h('div', { class: 'size-bar' }, part('part-apparent', apparentBytes)),
    h('span', {}, bytesText(apparentBytes)),
    h(
      'div',
      { class: 'size-bar' },
      part('part-exclusive', exclusiveBytes),
      part('part-shared', sharedBytes),
      part('part-inline', inline.storedBytes),
    ),
    h('span', {}, bytesText(storedBytes)),
  )
  addTip(element, () => ({
    title: subvolume.path === '' ? 'top level' : subvolume.path,
    lines: [
      `content: ${bytesText(apparentBytes)}`,
      `on disk, its own: ${bytesText(exclusiveBytes)}`,
      `on disk, shared: ${bytesText(sharedBytes)}`,
      `inline: ${bytesText(inline.storedBytes)}`,
      ...Object.entries(subvolume.extents).map(
        ([kind, stored]) =>
          `${kindText(kind)}: ${numberText(stored.extents)} extents, ${bytesText(stored.storedBytes)}`,
      ),
    ],
  }))
  return element
}

function details(usage: BtrfsUsage): HTMLElement {
  const { features, trees } = usage
  const chip = (name: string) => h('li', {}, name)
  const chips = (names: readonly string[]) => h('ul', { class: 'chips' }, ...names.map(chip))
  return section(
    'Features and trees',
    facts([
      ['Incompatible', chips(features.incompat)],
      ['Read-only compatible', features.compatRo.length === 0 ? undefined : chips(features.compatRo)],
      ['Compatible', features.compat.length === 0 ? undefined : chips(features.compat)],
    ]),
    fold(
      `${trees.length} trees besides the subvolumes`,
      table(
        'Trees',
        [
          { title: 'Tree' },
          { title: 'Id', isNumber: true },
          { title: 'Levels', isNumber: true },
          { title: 'Blocks', isNumber: true },
          { title: 'Size', isNumber: true },
        ],
        trees.map(({ name, id, levels, blocks }) => [
          name,
          id,
          levels,
          numberText(blocks),
          bytesText(blocks * usage.nodeSize),
        ]),
      ),
    ),
    largestFiles(usage.largestFiles),
  )
}
