/** Use of space: the largest directories and files. */
import type { LargeFile, SizeNode } from '../../../image/public-types.ts'
import { bytesText } from '../../units.ts'
import { nameElement } from './dom.ts'
import { fold, section, table } from './parts.ts'
import { Treemap } from './treemap.ts'

export function sizesSection(
  root: SizeNode,
  subvolumes: ReadonlyMap<number, string>,
  hasCompression: boolean,
): HTMLElement {
  return section('Directories', new Treemap({ root, subvolumes, hasCompression }).element)
}

export function largestFiles(files: readonly LargeFile[]): HTMLElement | undefined {
  if (files.length === 0) return undefined
  return fold(
    `${files.length} largest files`,
    table(
      'Largest files',
      [{ title: 'File' }, { title: 'On disk', isNumber: true }, { title: 'Content', isNumber: true }],
      files.map(({ path, storedBytes, apparentBytes }) => [
        nameElement(path, 'path'),
        bytesText(storedBytes),
        bytesText(apparentBytes),
      ]),
    ),
  )
}
