import { h } from '../../../src/cli/report/page/dom.ts'
import { chosenFiles, droppedFiles, type ChosenFiles } from './files.ts'

interface DropZone {
  title: string
  /** What it takes, a sentence. */
  hint: string
  button: string
  /** A second button, for a folder. */
  folderButton?: string
  isMultiple?: boolean
  accept?: string
  onFiles: (files: ChosenFiles) => void
}

/** A place to drop files on, with buttons for those who do not drop. */
export function dropZone({
  title,
  hint,
  button,
  folderButton,
  isMultiple = false,
  accept,
  onFiles,
}: DropZone): HTMLElement {
  const chooser = (text: string, isFolder: boolean) => {
    const input = h('input', { type: 'file', class: 'hidden-input', label: text, accept })
    input.multiple = isMultiple
    input.webkitdirectory = isFolder
    input.addEventListener('change', () => {
      if (input.files !== null && input.files.length > 0) onFiles(chosenFiles(input.files))
      input.value = ''
    })
    return h('label', { class: 'button' }, input, text)
  }
  const element = h(
    'div',
    { class: 'drop', role: 'group', label: title },
    h('p', { class: 'drop-title' }, title),
    h('p', { class: 'hint' }, hint),
    h(
      'div',
      { class: 'buttons' },
      chooser(button, false),
      folderButton === undefined ? undefined : chooser(folderButton, true),
    ),
  )
  const over = (isOver: boolean) => (event: DragEvent) => {
    event.preventDefault()
    element.classList.toggle('over', isOver)
  }
  element.addEventListener('dragover', over(true))
  element.addEventListener('dragleave', over(false))
  element.addEventListener('drop', (event) => {
    over(false)(event)
    event.stopPropagation()
    if (event.dataTransfer !== null) void droppedFiles(event.dataTransfer).then(onFiles)
  })
  return element
}
