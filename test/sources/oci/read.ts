/** Reads images in tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSource } from '../../../src/sources/open.ts'
import type { OpenSourceOptions } from '../../../src/sources/kinds/opener.ts'
import type { SelectionPlan } from '../../../src/spec/sources/common.ts'
import { collect, type Collected } from '../../tar/collect.ts'
import { layoutOf, type TestLayer, type TestLayout } from './layout.ts'

export interface Wanted {
  platform?: string
  reference?: string
}

/** Entries of an image in a file, a folder or standard input. */
export async function entriesIn(
  path: string,
  { platform, reference }: Wanted = {},
  options: OpenSourceOptions = {},
  selection?: SelectionPlan,
): Promise<Collected[]> {
  const time = { sec: 77, nsec: 0 }
  const plan = {
    kind: 'oci',
    path,
    platform,
    reference,
    time,
    to: '',
    merge: 'follow',
    ...(selection && { selection }),
  } as const
  return collect(await openSource(plan, options))
}

/** Runs `work` with the layout as a folder. */
export async function withLayout<T>(layout: TestLayout, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'layout-'))
  try {
    return await work(layout.writeTo(folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs `work` with a file of these bytes. */
export async function withFile<T>(bytes: Uint8Array, work: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'archive-'))
  try {
    const path = join(folder, 'archive')
    writeFileSync(path, bytes)
    return await work(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const readLayout = (layout: TestLayout, wanted?: Wanted) =>
  withLayout(layout, (folder) => entriesIn(folder, wanted))

export const readLayers = (...layers: TestLayer[]) => readLayout(layoutOf(...layers))

/** Each path with what it is: `d`, `f CONTENT`, `-> TARGET`, `= PATH` for a hard link, the type of others. */
export function shown(entries: readonly Collected[]): Record<string, string> {
  const what = ({ type, content, target }: Collected): string => {
    if (type === 'directory') return 'd'
    if (type === 'file') return `f ${new TextDecoder().decode(content)}`
    if (type === 'symlink') return `-> ${target as string}`
    return type === 'hardlink' ? `= ${target as string}` : type
  }
  return Object.fromEntries(entries.map((entry) => [String(entry.path), what(entry)]))
}
