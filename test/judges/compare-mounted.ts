import { type ByteString, fromText } from '../../src/lib/byte-string.ts'
import { JUDGE_FOLDER } from './exercise.ts'
import { compareTree, type ExpectedTrees, type FoundEntry, refuseDifferences } from './expected.ts'
import { withMount } from './mounted.ts'
import { walk } from './walk.ts'

/** The subvolumes that lie inside the subvolume `name`, by their path in it. */
export function subvolumesInside(name: string, expected: ExpectedTrees): Set<ByteString> {
  const owner = (other: string) =>
    [...expected.keys()]
      .filter((key) => key !== other && (key === '' || other.startsWith(`${key}/`)))
      .reduce((longest, key) => (key.length > longest.length ? key : longest), '')
  const inside = [...expected.keys()].filter((other) => other !== '' && owner(other) === name)
  return new Set(inside.map((other) => fromText(name === '' ? other : other.slice(name.length + 1))))
}

/**
 * Mounts every subvolume in turn and compares all its entries, the judge's own folders left out.
 *
 * @throws Error that lists the differences
 */
export async function compareAll(
  device: string,
  expected: ExpectedTrees,
  folder: string,
  expectNodatacow: readonly string[],
): Promise<void> {
  const differences: string[] = []
  const nodatacow = new Map<ByteString, boolean | undefined>()
  const walkSubvolume = async (name: string, mountOption: string) => {
    const everything = await withMount(device, `ro,${mountOption}`, folder, walk)
    const found = everything.filter(({ path }) => path.split('/', 1)[0] !== JUDGE_FOLDER)
    for (const entry of found) {
      if (entry.type === 'subvolume') continue
      const below = entry.path === '' ? '' : `${name === '' ? '' : '/'}${entry.path}`
      nodatacow.set(`${fromText(name)}${below}`, entry.nodatacow)
    }
    return found
  }
  const compare = (name: string, found: FoundEntry[]) => {
    const entries = expected.get(name) ?? []
    differences.push(...compareTree(name || '(top level)', entries, found, subvolumesInside(name, expected)))
  }
  compare('', await walkSubvolume('', 'subvolid=5'))
  for (const name of expected.keys()) {
    if (name !== '') compare(name, await walkSubvolume(name, `subvol=/${name}`))
  }
  for (const path of expectNodatacow) {
    const found = nodatacow.get(fromText(path))
    if (found !== true) differences.push(`${path}: NOCOW flag: expected true, found ${String(found)}`)
  }
  refuseDifferences(differences)
}
