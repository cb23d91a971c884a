/** Builds an image of files that are dropped here, by a description that starts from a preset. */
import type { ImageSpec } from '../../../src/browser/index.ts'
import { h, nameElement } from '../../../src/cli/report/page/dom.ts'
import { bytesText, countText } from '../../../src/cli/units.ts'
import type { OutputFormat } from '../../../src/browser/index.ts'
import type { Built, Plan } from '../protocol.ts'
import type { Client } from './client.ts'
import { dropZone } from './drop-zone.ts'
import type { ChosenFiles } from './files.ts'
import { findingList } from './findings.ts'
import { describe, placeOf, PRESET_TEXTS, type PresetName } from './presets.ts'
import { chooseTarget, deliver } from './save.ts'
import type { Tasks } from './tasks.ts'

/** The description is checked when it has not been changed for this time, in milliseconds. */
const PATIENCE = 300

export function makePanel(client: Client, tasks: Tasks, onOpen: (file: File) => void): HTMLElement {
  const files: ChosenFiles = new Map()
  const list = h('ul', { class: 'chosen-files', label: 'Files for the image' })
  const text = h('textarea', {
    id: 'description',
    spellcheck: 'false',
    rows: '18',
    'aria-describedby': 'plan',
  })
  const planned = h('div', { id: 'plan', class: 'plan', role: 'status' })
  const preset = h('select', { id: 'preset' })
  const result = h('div', { class: 'result' })
  const name = h('input', { id: 'file-name', type: 'text', value: 'disk.img.zst', required: '' })
  const format = h(
    'select',
    { id: 'format' },
    h('option', { value: 'img.zst' }, '.img.zst, compressed'),
    h('option', { value: 'img' }, '.img, as it is'),
  )
  const start = h('button', { type: 'submit', class: 'primary' }, 'Make the image')
  preset.append(...Object.entries(PRESET_TEXTS).map(([value, title]) => h('option', { value }, title)))
  let isEdited = false

  const fill = () => {
    text.value = `${JSON.stringify(describe(preset.value as PresetName, [...files.keys()]), undefined, 2)}\n`
    isEdited = false
    check()
  }
  const showFiles = () => {
    list.replaceChildren(
      ...[...files].map(([path, file]) => {
        const remove = h('button', { type: 'button', class: 'quiet', label: `Remove ${path}` }, '×')
        remove.addEventListener('click', () => {
          files.delete(path)
          showFiles()
        })
        return h('li', {}, nameElement(path), h('span', { class: 'hint' }, bytesText(file.size)), remove)
      }),
    )
    if (!isEdited) fill()
    else check()
  }
  const add = (more: ChosenFiles) => {
    for (const [path, file] of more) files.set(placeOf(path), file)
    showFiles()
    tasks.say(`${countText(files.size, 'file')} for the image`)
  }

  let timer: ReturnType<typeof setTimeout> | undefined
  const check = () => {
    clearTimeout(timer)
    timer = setTimeout(() => void showPlan(), PATIENCE)
  }
  const parsed = (): ImageSpec | undefined => {
    try {
      return JSON.parse(text.value) as ImageSpec
    } catch (error) {
      planned.replaceChildren(problems([`This is not JSON: ${(error as Error).message}`]))
      text.setAttribute('aria-invalid', 'true')
      return undefined
    }
  }
  const showPlan = async () => {
    const spec = parsed()
    if (spec === undefined) return
    try {
      const { plan, issues } = await client.call('plan', [spec])
      text.setAttribute('aria-invalid', String(issues.length > 0))
      planned.replaceChildren(
        plan === undefined
          ? problems(issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)))
          : planList(plan),
      )
    } catch (error) {
      tasks.fail(error)
    }
  }
  text.addEventListener('input', () => {
    isEdited = true
    check()
  })
  preset.addEventListener('change', fill)
  format.addEventListener('change', () => {
    name.value = name.value.replace(/\.img(\.zst)?$/, '') + `.${format.value}`
  })

  const form = h(
    'form',
    { class: 'make' },
    h(
      'section',
      { label: 'Files' },
      h('h2', {}, '1. What goes in'),
      dropZone({
        title: 'Drop a tar archive, and firmware files',
        hint: '.tar, .tar.gz, .tar.zst or .tar.xz for the root file system; files or folders for the firmware partition',
        button: 'Choose files',
        folderButton: 'Choose a folder',
        isMultiple: true,
        onFiles: add,
      }),
      list,
    ),
    h(
      'section',
      { label: 'Description' },
      h('h2', {}, '2. What it is to be'),
      h('label', { class: 'field', for: 'preset' }, 'Start from'),
      preset,
      h('label', { class: 'field', for: 'description' }, 'Description (JSON)'),
      text,
      planned,
    ),
    h(
      'section',
      { label: 'Image' },
      h('h2', {}, '3. The image'),
      h(
        'div',
        { class: 'fields' },
        h('div', {}, h('label', { class: 'field', for: 'file-name' }, 'Name'), name),
        h('div', {}, h('label', { class: 'field', for: 'format' }, 'Format'), format),
      ),
      h(
        'p',
        { class: 'hint' },
        'The same files and the same description give the same bytes as the command.',
      ),
      h('div', { class: 'buttons' }, start),
      result,
    ),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void make()
  })
  const make = async () => {
    const spec = parsed()
    if (spec === undefined) {
      text.focus()
      return
    }
    const fileName = name.value
    const target = await chooseTarget(fileName)
    if (target === undefined) return
    start.disabled = true
    result.replaceChildren()
    const request = { spec, files: Object.fromEntries(files), format: format.value as OutputFormat, target }
    const built = await tasks.run(`Making ${fileName}`, (options) => client.call('build', [request], options))
    start.disabled = false
    if (built === undefined) return
    deliver(built, target, fileName)
    result.replaceChildren(...summaryOf(built, fileName, onOpen))
    tasks.say(`Made ${fileName}, ${bytesText(built.bytes)}`)
  }
  fill()
  return h(
    'div',
    { class: 'panel' },
    h(
      'section',
      { class: 'start' },
      h('h1', {}, 'Make a disk image'),
      h(
        'p',
        { class: 'lead' },
        'A tar archive and firmware files become a bootable image: a partition table, FAT, and BTRFS with subvolumes. Nothing is uploaded.',
      ),
    ),
    form,
  )
}

function problems(texts: readonly string[]): HTMLElement {
  return h('ul', { class: 'findings' }, ...texts.map((text) => h('li', { class: 'finding error' }, text)))
}

function planList({ partitions }: NonNullable<Plan['plan']>): HTMLElement {
  const items = partitions.map((partition) => {
    const { type, size } = partition
    const label = 'label' in partition ? partition.label : ''
    const amount = typeof size === 'number' ? bytesText(size) : 'as large as its content'
    return h(
      'li',
      {},
      h('strong', {}, type.toUpperCase()),
      ` ${label} `,
      h('span', { class: 'hint' }, amount),
    )
  })
  return h('ol', { class: 'planned' }, ...items)
}

function summaryOf(
  { result, sha256, bytes, file }: Built,
  name: string,
  onOpen: (file: File) => void,
): Node[] {
  const { imageSize, partitions, findings } = result
  const look = h('button', { type: 'button' }, 'Look into it')
  look.addEventListener('click', () => {
    if (file !== undefined) onOpen(new File([file], name))
  })
  const amount =
    bytes === imageSize ? bytesText(bytes) : `${bytesText(imageSize)}, ${bytesText(bytes)} compressed`
  return [
    h('p', { class: 'verdict sound' }, nameElement(name), `: ${amount}`),
    h(
      'ol',
      { class: 'planned' },
      ...partitions.map((partition) => {
        const { type, label, size } = partition
        const content = 'files' in partition ? `, ${countText(partition.files, 'file')}` : ''
        return h(
          'li',
          {},
          h('strong', {}, type.toUpperCase()),
          ` ${label} `,
          h('span', { class: 'hint' }, bytesText(size) + content),
        )
      }),
    ),
    h('p', { class: 'sum' }, 'SHA-256 ', h('code', {}, sha256)),
    ...(findings.length === 0 ? [] : [findingList(findings)]),
    h('div', { class: 'buttons' }, look),
  ]
}
