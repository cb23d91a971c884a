/** Layers whose entries meet: few names, whiteouts, links of all kinds. */
import * as fc from 'fast-check'
import { InputError } from '../../../src/lib/errors.ts'
import { LayerTree } from '../../../src/sources/oci/layer-tree.ts'
import { readTarEntries } from '../../../src/tar/read/entries.ts'
import { buildTar, type TarInput } from '../../tar/build-tar.ts'
import { inPieces } from '../../tar/collect.ts'

const name = fc.constantFrom('a', 'b', 'c', 'd')
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
const folder = fc.array(name, { maxLength: 2 }).map((names) => names.map((each) => `${each}/`).join(''))
const is = <T extends string>(type: T) => fc.constant(type)

const metadata = {
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 70_000 }),
  gid: fc.integer({ min: 0, max: 70_000 }),
  // Long before any test, so that the time of the unpacking can be told.
  mtime: fc.record({ sec: fc.integer({ min: 0, max: 1e9 }), nsec: fc.integer({ min: 0, max: 999_999_999 }) }),
  xattrs: fc.constantFrom(
    [],
    [{ name: 'user.a', value: new Uint8Array([1, 0, 2]) }],
    [{ name: 'trusted.b', value: new Uint8Array(300).fill(66) }],
  ),
}
const withMetadata = <T extends object>(own: fc.Arbitrary<T>) =>
  fc
    .tuple(fc.record({ path, ...metadata }), own)
    .map(([common, more]) => ({ ...common, ...more }) as unknown as TarInput)

const target = fc.oneof(
  path,
  path.map((each) => `/${each}`),
  path.map((each) => `../${each}`),
  fc.constantFrom('..', '.', '/', '../..', 'a/../b', './b', 'missing/../a'),
)

const whiteout = fc
  .tuple(
    folder,
    fc.oneof(
      fc.constant('.wh..wh..opq'),
      name.map((each) => `.wh.${each}`),
    ),
  )
  .map(([where, each]): TarInput => ({ path: `${where}${each}`, type: 'file' }))

const entry = fc.oneof(
  {
    weight: 6,
    arbitrary: withMetadata(fc.record({ type: is('file'), content: fc.string({ maxLength: 8 }) })),
  },
  { weight: 6, arbitrary: withMetadata(fc.record({ type: is('directory') })) },
  { weight: 3, arbitrary: withMetadata(fc.record({ type: is('symlink'), target })).map(withoutXattrs) },
  { weight: 3, arbitrary: fc.record({ path, type: is('hardlink'), target: path }) },
  { weight: 1, arbitrary: withMetadata(fc.record({ type: is('fifo') })).map(withoutXattrs) },
  {
    weight: 1,
    arbitrary: withMetadata(
      fc.record({ type: is('character'), major: fc.constantFrom(0, 5), minor: fc.constantFrom(0, 300) }),
    ).map(withoutXattrs),
  },
  { weight: 5, arbitrary: whiteout },
)

/** The kernel takes those of users for files and directories only. */
function withoutXattrs(input: TarInput): TarInput {
  return { ...input, xattrs: [] }
}

export const arbitraryLayers: fc.Arbitrary<TarInput[][]> = fc.array(
  fc.array(entry, { maxLength: 12, size: 'max' }),
  { minLength: 1, maxLength: 4, size: 'max' },
)

/** Without entries that are refused where they are. */
export async function withoutRefused(layers: readonly TarInput[][]): Promise<TarInput[][]> {
  const tree = new LayerTree()
  const kept: TarInput[][] = []
  for (const layer of layers) {
    const accepted: TarInput[] = []
    let next = 0
    for await (const entry of readTarEntries(inPieces(buildTar(layer), 1 << 20), 'layer')) {
      const input = layer[next++]
      try {
        tree.add(entry)
        accepted.push(input)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
      }
    }
    tree.endLayer()
    kept.push(accepted)
  }
  return kept
}
