/** Images that the kernel and btrfs-progs made hold what the kernel finds in them. */
import { describe, expect, test } from 'vitest'
import type { BtrfsReader } from '../../../src/btrfs/read/open.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import { faultTextsOf } from '../check/faults.ts'
import { inFolder } from '../../images/build.ts'
import {
  canMakeImages,
  makeImage,
  RECIPE_NAMES,
  recipeOf,
  type RecipeName,
} from '../../images/kernel-made.ts'
import { walkReader, withFileSource } from '../../images/walk-reader.ts'
import { toDisplay, toLatin1 } from '../../../src/lib/byte-string.ts'
import type { FoundEntry } from '../../judges/expected.ts'
import { attachLoop, detachLoop } from '../../judges/loop-device.ts'
import { withMount } from '../../judges/mounted.ts'
import { mustRun } from '../../judges/run-tool.ts'
import { walk } from '../../judges/walk.ts'
import { openWithFaults } from './open-file.ts'

/** By the path of the subvolume. */
type Trees = Map<string, FoundEntry[]>

/** What the kernel finds in each of the subvolumes. */
async function mountedTrees(devices: readonly string[], ids: ReadonlyMap<string, number>, folder: string) {
  const trees: Trees = new Map()
  for (const [path, id] of ids) {
    // A log is left alone, as the reader does.
    const options = `ro,rescue=nologreplay,subvolid=${id}`
    trees.set(path, await withMount(devices[0], options, folder, walk))
  }
  return trees
}

/** Directories that are made up have times of the kernel's choice. */
function comparable(entries: readonly FoundEntry[]): Map<string, unknown> {
  const madeUp = (ino: number) => ino === 2 && { mtime: 0, atime: 0, ctime: 0 }
  return new Map(
    entries
      .map(
        (entry) =>
          [
            toLatin1(entry.path),
            { ...entry, ...madeUp(entry.ino), sha256: entry.sha256 ?? undefined },
          ] as const,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function expectSame(found: readonly FoundEntry[], wanted: readonly FoundEntry[], where: string): void {
  const [a, b] = [comparable(found), comparable(wanted)]
  expect([...a.keys()].map(toDisplay), where).toEqual([...b.keys()].map(toDisplay))
  for (const [path, entry] of a) expect(entry, `${where}: ${toDisplay(path)}`).toEqual(b.get(path))
}

async function judge(name: RecipeName, folder: string): Promise<BtrfsReader> {
  const image = await makeImage(name, folder)
  const { devices = 1 } = recipeOf(name)
  return withFileSource(image, async (source) => {
    const { reader, faults } = await openWithFaults(source)
    const subvolumes = driveSync(source, reader.subvolumes())
    const ids = new Map(subvolumes.map(({ path, id }) => [toLatin1(path), id]))
    const loops: string[] = []
    let wanted: Trees
    try {
      const files = devices === 1 ? [image] : [image, image.replace('-0.img', '-1.img')]
      for (const file of files)
        loops.push(await attachLoop(file, { start: 0, size: source.size }, { readonly: true }))
      if (devices > 1) await mustRun('btrfs', ['device', 'scan', ...loops])
      wanted = await mountedTrees(loops, ids, folder)
    } finally {
      for (const loop of loops) await detachLoop(loop)
    }
    for (const { path, root } of subvolumes) {
      expectSame(
        walkReader(source, reader, root),
        wanted.get(toLatin1(path))!,
        `${name}: subvolume "${path}"`,
      )
    }
    expect(faults).toEqual([])
    expect(await faultTextsOf(source)).toEqual([])
    return reader
  })
}

describe.skipIf(!canMakeImages())('images of the kernel', () => {
  test.each(RECIPE_NAMES)('%s', async (name) => {
    await inFolder(async (folder) => {
      const reader = await judge(name, folder)
      expect(reader.notices.length).toBe(
        recipeOf(name).isCut === true || recipeOf(name).devices === 2 ? 1 : 0,
      )
    })
  })
})
