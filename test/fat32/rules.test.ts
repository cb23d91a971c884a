/** Rules for the entries of a FAT32 file system. */
import { describe, expect, it } from 'vitest'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { toText } from '../../src/lib/byte-string.ts'
import { InputError, SpecError } from '../../src/lib/errors.ts'
import { memorySink } from '../../src/lib/sink.ts'
import { resolveFatOptions } from '../../src/spec/file-system-options.ts'
import type { FatPathRuleSpec } from '../../src/spec/fat32-spec.ts'
import { writeFat32 } from '../../src/fat32/write/write-fat32.ts'
import { FatCollector } from '../../src/fat32/write/collect.ts'
import { planFat } from '../../src/fat32/write/plan.ts'
import { directory, file, LIMIT_40_MIB, MIB, planOf, request, SIZES, TIME } from './volume.ts'

const rulesOf = (paths: FatPathRuleSpec[]) =>
  resolveFatOptions({ type: 'fat32', size: 64 * MIB, paths }, SIZES).rules

/** Path -> attributes as mattrib(1) prints them; `paths` are by the stored names. */
async function attributes(entries: SourceEntry[], paths: FatPathRuleSpec[]): Promise<Record<string, string>> {
  const { directories } = await planOf(request(entries, { rules: rulesOf(paths) }))
  return Object.fromEntries(
    directories.flatMap(({ path, children }) =>
      children.map(({ node, text }): [string, string] => [
        toText(path === '' ? text : `${path}/${text}`)!,
        [...'RHS-DA'].filter((letter, bit) => letter !== '-' && (node.attributes >> bit) & 1).join(''),
      ]),
    ),
  )
}

describe('flags of rules', () => {
  it('are added to, and taken from, those that files have', async () => {
    const entries = [file('a', '', { mode: 0o444 }), file('b'), directory('d'), file('d/c')]
    expect(await attributes(entries, [])).toEqual({ a: 'RA', b: 'A', d: 'D', 'd/c': 'A' })
    const rules: FatPathRuleSpec[] = [
      { path: '/', flags: ['hidden', '-archive'] },
      { path: '/a', flags: ['-readonly'] },
      { path: '/d', flags: ['system', 'archive', 'readonly'] },
      { glob: '/*/c', flags: ['-system'] },
    ]
    expect(await attributes(entries, rules)).toEqual({ a: 'H', b: 'H', d: 'RHSDA', 'd/c': 'RHA' })
  })

  it('of later rules win', async () => {
    const both = (first: 'hidden' | '-hidden', second: 'hidden' | '-hidden') =>
      attributes(
        [file('a')],
        [
          { glob: '/a', flags: [first] },
          { path: '/a', flags: [second] },
        ],
      )
    expect(await both('hidden', '-hidden')).toEqual({ a: 'A' })
    expect(await both('-hidden', 'hidden')).toEqual({ a: 'HA' })
  })
})

describe('the case of names', () => {
  it('is that of the last rule', async () => {
    const entries = [file('Kernel8.img'), file('Overlays/A Long Name.dtbo'), file('Overlays/keep.Me')]
    const rules: FatPathRuleSpec[] = [
      { path: '/', case: 'upper' },
      { glob: '/**/*.dtbo', case: 'lower' },
    ]
    expect(Object.keys(await attributes(entries, rules))).toEqual([
      'KERNEL8.IMG',
      'OVERLAYS',
      'Overlays/a long name.dtbo',
      'Overlays/KEEP.ME',
    ])
  })

  it('changes names before it is decided how they are stored', async () => {
    const plan = await planOf(
      request([file('Kernel8.img'), file('Änd.Txt')], { rules: rulesOf([{ path: '/', case: 'lower' }]) }),
    )
    expect(plan.directories[0].children.map(({ name }) => name)).toEqual([
      { short: 'KERNEL8 IMG', ntCase: 0x18, long: undefined },
      { short: '_ND~1   TXT', ntCase: 0, long: 'änd.txt' },
    ])
  })

  it('does not make two names one, nor one of two', async () => {
    const asked = request([file('a'), file('A')], { rules: rulesOf([{ path: '/a', case: 'upper' }]) })
    await expect(planOf(asked)).rejects.toThrow('"A" and "a" differ only in case')
  })
})

describe('what rules leave out', () => {
  it('is not read, and neither is what lies below', async () => {
    const read: string[] = []
    const collector = new FatCollector({
      limit: LIMIT_40_MIB,
      time: TIME,
      rules: rulesOf([{ glob: '/**/*.bak', exclude: true }, { path: '/d/x', exclude: true }, { path: '/d' }]),
      spool: {
        async add(content) {
          for await (const piece of content) read.push(Buffer.from(piece).toString())
          return () => content
        },
      },
    })
    // Neither would fit.
    const large = { size: 2 ** 32, content: [] as unknown as AsyncIterable<Uint8Array> }
    for (const entry of [
      file('a.bak', 'a', large),
      file('d/x/y/z', 'z', large),
      { ...file('d/x'), type: 'symlink', target: 'y' } as const,
      file('d/keep', 'kept'),
    ])
      await collector.add(entry)
    const { directories, files } = planFat({ ...request([]), ...collector.tree })
    expect([...directories, ...files].map(({ path }) => path)).toEqual(['', 'd', 'd/keep'])
    expect(read).toEqual(['kept'])
    expect(collector.unusedRules()).toEqual([])
  })
})

describe('rules that match nothing', () => {
  const write = (paths: FatPathRuleSpec[]) =>
    writeFat32({ size: 40 * MIB, paths }, [{ path: 'a', type: 'file' }], memorySink())

  it('are told, patterns and paths to leave out', async () => {
    const { unusedRules } = await write([
      { glob: '/*.txt', flags: ['hidden'] },
      { glob: '/a', case: 'upper' },
      { path: '/b', exclude: true },
      { path: '/c' },
    ])
    expect(unusedRules).toEqual(['paths[0]', 'paths[2]'])
  })

  it('are an error when they change a path', async () => {
    const attempt = write([{ path: '/A', case: 'upper' }])
    await expect(attempt).rejects.toBeInstanceOf(InputError)
    await expect(attempt).rejects.toThrow('paths[0]: entry "/A": no source has an entry at this path')
  })

  it('are checked with all other options', async () => {
    const attempt = write([{ path: '/a', flags: ['hidden', '-hidden'] }, {}])
    await expect(attempt).rejects.toBeInstanceOf(SpecError)
    await expect(attempt).rejects.toThrow(/paths\[1\]: needs[^]*paths\[0\]\.flags\[1\]: clears "hidden"/)
  })
})
