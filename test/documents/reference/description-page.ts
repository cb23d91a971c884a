/** docs/reference/description.md, from the JSON Schema of the description. */

import { elementOf, typeNames, valuesOf, type Schema } from './schema.ts'

interface Section {
  title: string
  /** Prefix of the anchors of its keys. */
  id: string
  text: string
  /** Where the object is in the schema: names of properties, `[]` for elements, `*` for values, `=kind` for a variant. */
  paths: string[]
}

const partition = (kind: string) => `partitions [] =${kind}`
const source = (kind: string) => `sources [] =${kind}`

const SECTIONS: readonly Section[] = [
  { title: 'The image', id: 'image', text: 'The keys at the top of a description.', paths: [''] },
  { title: 'An MBR', id: 'mbr', text: 'The value of [`table`](#image-table).', paths: ['table =mbr'] },
  { title: 'A GPT', id: 'gpt', text: 'The value of [`table`](#image-table).', paths: ['table =gpt'] },
  { title: 'No table', id: 'none', text: 'The value of [`table`](#image-table).', paths: ['table =none'] },
  {
    title: 'A BTRFS partition',
    id: 'btrfs',
    text: 'An element of [`partitions`](#image-partitions). [BTRFS](../formats/btrfs.md) explains what is written.',
    paths: [partition('btrfs')],
  },
  {
    title: 'A FAT partition',
    id: 'fat',
    text: 'An element of [`partitions`](#image-partitions): FAT32, FAT16 or FAT12. See [FAT](../formats/fat32.md).',
    paths: [partition('fat32'), partition('fat16'), partition('fat12')],
  },
  {
    title: 'A partition with the bytes of a file',
    id: 'raw',
    text: 'An element of [`partitions`](#image-partitions).',
    paths: [partition('raw')],
  },
  {
    title: 'Swap space',
    id: 'swap',
    text: 'An element of [`partitions`](#image-partitions).',
    paths: [partition('swap')],
  },
  {
    title: 'An empty partition',
    id: 'empty',
    text: 'An element of [`partitions`](#image-partitions).',
    paths: [partition('empty')],
  },
  {
    title: 'Subvolumes',
    id: 'subvolume',
    text: 'An element of [`subvolumes`](#btrfs-subvolumes).',
    paths: [`${partition('btrfs')} subvolumes []`],
  },
  {
    title: 'Rules for paths in BTRFS',
    id: 'btrfs-path',
    text: 'An element of [`paths`](#btrfs-paths) of a BTRFS partition.',
    paths: [`${partition('btrfs')} paths []`],
  },
  {
    title: 'Rules for paths in FAT',
    id: 'fat-path',
    text: 'An element of [`paths`](#fat-paths) of a FAT partition.',
    paths: [`${partition('fat32')} paths []`],
  },
  {
    title: 'Profiles',
    id: 'profile',
    text: 'The value of [`profiles`](#btrfs-profiles).',
    paths: [`${partition('btrfs')} profiles`],
  },
  {
    title: 'A swap file',
    id: 'swapfile',
    text: 'The value of [`swapfile`](#btrfs-swapfile).',
    paths: [`${partition('btrfs')} swapfile`],
  },
  {
    title: 'Boot files of NixOS',
    id: 'nixos',
    text: 'The value of [`nixos`](#btrfs-nixos). See [A Raspberry Pi image](../how-to/raspberry-pi.md).',
    paths: [`${partition('btrfs')} nixos`],
  },
  {
    title: 'Boot files of other systems',
    id: 'linux',
    text: 'The value of [`linux`](#btrfs-linux). See [Boards and machines](boards.md).',
    paths: [`${partition('btrfs')} linux`],
  },
  {
    title: 'Firmware of a Raspberry Pi',
    id: 'firmware',
    text: 'The value of [`firmware`](#fat-firmware). See [A Raspberry Pi image](../how-to/raspberry-pi.md).',
    paths: [`${partition('fat32')} firmware`],
  },
  { title: 'U-Boot', id: 'uboot', text: 'The value of [`uboot`](#image-uboot).', paths: ['uboot'] },
  {
    title: 'A tar archive',
    id: 'tar',
    text: 'A source. See [Tar archives](tar.md).',
    paths: [source('tar')],
  },
  {
    title: 'A directory',
    id: 'directory',
    text: 'A source. See [Sources](sources.md#directory).',
    paths: [source('directory')],
  },
  {
    title: 'Files in the description',
    id: 'files',
    text: 'A source. See [Sources](sources.md#files).',
    paths: [source('files')],
  },
  {
    title: 'An entry of files',
    id: 'file',
    text: 'A value in [`files`](#files-files): the content of a file as text, or an object with these keys.',
    paths: [
      `${source('files')} files * =0`,
      ...[1, 2, 3, 4, 5].map((i) => `${source('files')} files * =${i}`),
    ],
  },
  {
    title: 'A container image',
    id: 'oci',
    text: 'A source. See [Container images](container-images.md).',
    paths: [source('oci')],
  },
  {
    title: 'A Nix store',
    id: 'nix',
    text: 'A source. See [Images with Nix](../how-to/nix.md#store-paths-as-sources).',
    paths: [source('nix')],
  },
  {
    title: 'What is taken from a Nix store',
    id: 'nix-paths',
    text: 'The value of [`nix`](#nix-nix).',
    paths: [`${source('nix')} nix`],
  },
  {
    title: 'A Nix archive',
    id: 'nar',
    text: 'A source. See [Images with Nix](../how-to/nix.md#store-paths-as-sources).',
    paths: [source('nar')],
  },
  {
    title: 'A stream of btrfs send',
    id: 'send',
    text: 'A source. See [Sources](sources.md#send).',
    paths: [source('send')],
  },
  {
    title: 'Owners',
    id: 'owner',
    text: 'The value of `owner` of a source.',
    paths: [`${source('tar')} owner =0`],
  },
  {
    title: 'Modes',
    id: 'mode',
    text: 'The value of `mode` of a source.',
    paths: [`${source('tar')} mode =0`],
  },
  {
    title: 'Bytes',
    id: 'bytes',
    text: 'Content that is not text.',
    paths: [`${source('files')} files * =0 content =0`],
  },
]

const HEAD = `# The image description

<!-- Made from the JSON Schema: RECORD_REFERENCE=1 npx vitest run test/documents/reference.test.ts -->

Every key of a description, as \`diskwright schema\` has them. A description is JSON, in which comments are allowed, or YAML.
Unknown keys are errors. Paths are relative to the directory of the description. A *size* is a number of bytes, or text such as
\`"512MiB"\` and \`"1.5GiB"\`; decimal units such as MB are errors. Keys in **bold** must be given.
[Describing an image](../how-to/describe-an-image.md) explains how the keys work together.
`

/** @param root the JSON Schema */
export function descriptionPage(root: Schema): string {
  const found = SECTIONS.map((section) => ({
    ...section,
    objects: section.paths.map((path) => objectAt(root, path)).filter((object) => object !== undefined),
  }))
  const sections = new Map<string, Section>()
  for (const section of found) for (const object of section.objects) sections.set(keyOf(object), section)
  const missing = objectsIn(root).filter((object) => !sections.has(keyOf(object)))
  if (missing.length > 0)
    throw new Error(`no section for the object with ${Object.keys(missing[0].properties!).join(', ')}`)
  return [HEAD, ...found.map((section) => sectionText(section, sections))].join('\n')
}

/** What tells the kinds of objects apart. */
const keyOf = ({ properties, required }: Schema) =>
  JSON.stringify([Object.keys(properties!), required, properties!.type?.const ?? properties!.type?.enum])

/** Every object with keys of its own. */
function objectsIn(schema: Schema): Schema[] {
  const { properties = {}, anyOf = [], oneOf = [], additionalProperties } = schema
  const element = elementOf(schema)
  const below = [...Object.values(properties), ...anyOf, ...oneOf]
  if (element !== undefined) below.push(element)
  if (typeof additionalProperties === 'object') below.push(additionalProperties)
  return [...(schema.properties === undefined ? [] : [schema]), ...below.flatMap(objectsIn)]
}

function objectAt(root: Schema, path: string): Schema | undefined {
  let schema: Schema | undefined = root
  for (const step of path.split(' ').filter((step) => step !== '')) {
    if (schema === undefined) return undefined
    if (step === '[]') schema = elementOf(schema)
    else if (step === '*') schema = schema.additionalProperties as Schema
    else if (step.startsWith('=')) schema = variantOf(schema, step.slice(1))
    else schema = schema.properties?.[step]
  }
  return schema
}

/** By a constant, by a key that only one has, or by its number among the objects. */
function variantOf(schema: Schema, name: string): Schema | undefined {
  const objects = (schema.oneOf ?? schema.anyOf ?? []).filter(({ properties }) => properties !== undefined)
  if (/^\d$/.test(name)) return objects[Number(name)]
  return (
    objects.find(({ properties }) => properties!.type?.const === name) ??
    objects.find(({ properties, required }) => name in properties! && required!.includes(name))
  )
}

function sectionText(
  { title, id, text, objects }: Section & { objects: Schema[] },
  sections: Map<string, Section>,
): string {
  const keys = new Map<string, Schema[]>()
  for (const { properties } of objects) {
    for (const [key, schema] of Object.entries(properties!)) keys.set(key, [...(keys.get(key) ?? []), schema])
  }
  const rows = [...keys].map(([key, schemas]) => {
    const required = objects.every(({ required = [] }) => required.includes(key))
    const name = `<a id="${id}-${key.replace('$', '')}"></a>[${required ? `**\`${key}\`**` : `\`${key}\``}](#${id}-${key.replace('$', '')})`
    const types = [...new Set(schemas.map((schema) => typeText(schema, sections)))].join(', ')
    const fallback = schemas[0].default === undefined ? '' : `\`${JSON.stringify(schemas[0].default)}\``
    const meaning = [...new Set(schemas.map(({ description = '' }) => description))].join(' ')
    const only = schemas.length < objects.length ? onlyIn(objects, key) : ''
    return `| ${name} | ${cell(types)} | ${cell(fallback)} | ${cell(meaning.replaceAll('<', '&lt;') + only)} |`
  })
  return `## ${title}\n\n${text}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

/** Which of several kinds have a key. */
function onlyIn(objects: readonly Schema[], key: string): string {
  const kinds = objects
    .filter(({ properties }) => key in properties!)
    .flatMap(({ properties }) => {
      const { const: one, enum: some } = properties!.type ?? {}
      return one === undefined ? (some ?? []) : [one]
    })
  return kinds.length === 0
    ? ''
    : ` Only with the type ${kinds.map((kind) => `\`${JSON.stringify(kind)}\``).join(', ')}.`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function typeText(schema: Schema, sections: Map<string, Section>): string {
  const { anyOf, oneOf, properties, additionalProperties, pattern, minimum, maximum } = schema
  const values = valuesOf(schema)
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
  const variants = anyOf ?? oneOf
  if (variants !== undefined) {
    const isSize = variants.some(({ pattern }) => isSizePattern(pattern))
    const others = isSize
      ? variants.filter(
          ({ type, pattern, enum: some }) =>
            some !== undefined || (type !== 'integer' && !isSizePattern(pattern)),
        )
      : variants
    const texts = others.map((variant) => typeText(variant, sections))
    return [...new Set(isSize ? ['size', ...texts] : texts)].join(', ')
  }
  const element = elementOf(schema)
  if (element !== undefined) return `list: ${typeText(element, sections)}`
  if (properties !== undefined) {
    const { title } = sections.get(keyOf(schema))!
    return `[${title.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase())}](#${anchorOf(title)})`
  }
  if (typeof additionalProperties === 'object') return `object: ${typeText(additionalProperties, sections)}`
  const [type] = typeNames(schema)
  if (type === 'integer' || type === 'number') return `number${rangeText(minimum, maximum)}`
  if (type === 'string') return pattern === undefined ? 'text' : patternText(pattern)
  return type
}

const anchorOf = (title: string) => title.toLowerCase().replaceAll(' ', '-')
const isSizePattern = (pattern: string | undefined) => pattern?.includes('[KMGT]iB') === true

/** Shapes of text that have a name. */
function patternText(pattern: string): string {
  if (isSizePattern(pattern)) return 'size'
  if (/\[0-9a-fA-F\]\{8\}.*\{12\}/.test(pattern)) return 'UUID'
  if (pattern.startsWith('^0x')) return '`"0x…"`'
  return 'text'
}

function rangeText(minimum?: number, maximum?: number): string {
  const max = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  const min = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}`
  if (max !== undefined) return `, at most ${max}`
  return min === undefined || min === 0 ? '' : `, at least ${min}`
}
