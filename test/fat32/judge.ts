/** Everybody who can read a FAT reads one of ours. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readFatVolume } from '../../src/fat32/read/reader.ts'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { toText } from '../../src/lib/byte-string.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import type { SparseImage } from '../images/sparse-image.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { mtoolsCopyAll } from '../judges/mtools.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { allEntries, collect, faultsOf, sourceOf, withVolume, type Request } from './volume.ts'

const hasFsck = requireJudge('fsck.fat')
const hasMtools = requireJudge('mcopy')

/** Content that differs from file to file and from place to place. */
export function content(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff
  return bytes
}

/** Stands for content: a failing comparison of megabytes would take minutes to print. */
export const digest = (bytes: Uint8Array) =>
  `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`

/** What our own reader finds. */
export function readBack(image: SparseImage) {
  const source = sourceOf(image)
  const reader = driveSync(source, readFatVolume())
  return new Map(
    driveSync(source, allEntries(reader)).map(({ path, content }) => [
      path,
      content === undefined ? 'directory' : digest(content),
    ]),
  )
}

async function expectedOf(entries: readonly SourceEntry[]) {
  const expected = new Map<string, string>()
  for (const entry of entries) {
    const path = toText(entry.path)!
    const components = path.split('/')
    for (let i = 1; i < components.length; i++) expected.set(components.slice(0, i).join('/'), 'directory')
    expected.set(path, entry.type === 'file' ? digest(await collect(entry.content)) : 'directory')
  }
  return expected
}

export const sorted = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))

/** What mcopy brings out of the volume. */
export async function copiedBack(image: SparseImage) {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
  try {
    await mtoolsCopyAll(image.path, folder)
    const found = new Map<string, string>()
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const isFile = statSync(join(folder, path)).isFile()
      found.set(path, isFile ? digest(readFileSync(join(folder, path))) : 'directory')
    }
    return found
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** All judges on one volume. */
export async function judge(asked: Request, { mtools = hasMtools } = {}): Promise<void> {
  await withVolume(asked, async (image) => {
    if (hasFsck) await fsckFat(image.path)
    expect(faultsOf(image)).toEqual([])
    const expected = sorted(await expectedOf(asked.entries))
    expect(sorted(readBack(image))).toEqual(expected)
    // mcopy fails on a volume without files.
    if (mtools && expected.length > 0) {
      expect(sorted(await copiedBack(image))).toEqual(expected)
    }
  })
}
