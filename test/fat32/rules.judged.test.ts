/** The kernel follows the symlinks of a folder, and mtools judge what diskwright makes of the same tree. */
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memorySink } from '../../src/lib/sink.ts'
import type { Entry } from '../../src/file-tree/entry.ts'
import type { FatFlag, Fat32Options, FatPathRuleSpec } from '../../src/spec/fat32-spec.ts'
import { writeFat32 } from '../../src/fat32/write/write-fat32.ts'
import { inFolder } from '../images/build.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { mtool } from '../judges/mkfs-fat.ts'
import { mtoolsList } from '../judges/mtools.ts'
import { requireJudge } from '../judges/run-tool.ts'

const hasJudges = requireJudge('mattrib') && requireJudge('fsck.fat')

async function writtenTo(image: string, options: Omit<Fat32Options, 'size'>, entries: Entry[]) {
  const sink = memorySink()
  await writeFat32({ size: '40MiB', time: '2025-06-01', ...options }, entries, sink)
  writeFileSync(image, sink.bytes())
  await fsckFat(image)
}

/** Path -> attributes as letters, D for a directory. */
async function attributesOf(image: string): Promise<Record<string, string>> {
  const lines = (await mtool(image, 'mattrib', '-/', '-X', '::')).split('\n')
  const found = lines.map((line) => /^([A-Z]*) ?::\/(.+)$/.exec(line)).filter((match) => match !== null)
  return Object.fromEntries(found.map(([, letters, path]) => [path, [...letters].sort().join('')]))
}

/** Every path of a folder, symlinks followed, with the content of files. */
function followed(folder: string, path = ''): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>()
  for (const name of readdirSync(join(folder, path))) {
    const below = path === '' ? name : `${path}/${name}`
    const isDirectory = statSync(join(folder, below)).isDirectory()
    found.set(below, isDirectory ? undefined : readFileSync(join(folder, below), 'latin1'))
    if (isDirectory) for (const [each, content] of followed(folder, below)) found.set(each, content)
  }
  return found
}

/** A rule, and what it is for in words that share nothing with the patterns of rules. */
const SELECTIONS: [Pick<FatPathRuleSpec, 'path' | 'glob'>, (path: string) => boolean][] = [
  [{ path: '/' }, () => true],
  [{ glob: '/*' }, (path) => !path.includes('/')],
  [{ glob: '/**/F*' }, (path) => /(^|\/)F[^/]*$/.test(path)],
  [{ glob: '/**/l?' }, (path) => /(^|\/)l[^/]$/.test(path)],
  [{ glob: '/d1/**' }, (path) => path.startsWith('d1/')],
  [{ glob: '/*/*' }, (path) => path.split('/').length === 2],
]
const FLAGS = ['readonly', 'hidden', 'system', 'archive'] as const
const LETTERS = { readonly: 'R', hidden: 'H', system: 'S', archive: 'A' }

const rule = fc.record({
  selection: fc.nat(SELECTIONS.length - 1),
  flags: fc.uniqueArray(
    fc
      .tuple(fc.constantFrom(...FLAGS), fc.boolean())
      .map(([flag, set]): FatFlag => (set ? flag : `-${flag}`)),
    { selector: (flag) => flag.replace('-', '') },
  ),
  nameCase: fc.constantFrom(undefined, 'upper' as const, 'lower' as const),
  exclude: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

/**
 * A folder lies in one of a smaller number, and a link of a folder leads to one of a greater number or to a file in any: so there
 * are no loops.
 */
const layout = fc.record({
  parents: fc.array(fc.nat(100), { minLength: 1, maxLength: 6 }),
  files: fc.array(fc.tuple(fc.nat(100), fc.boolean()), { minLength: 1, maxLength: 6 }),
  links: fc.array(fc.tuple(fc.nat(100), fc.nat(100), fc.boolean(), fc.boolean()), { maxLength: 6 }),
  rules: fc.uniqueArray(rule, { maxLength: 4, selector: ({ selection }) => selection }),
})

describe.runIf(hasJudges)('rules and symlinks of a FAT32 file system', () => {
  it('are what mattrib and mdir find', async () => {
    await inFolder(async (folder) => {
      const image = join(folder, 'fat.img')
      const paths: FatPathRuleSpec[] = [
        { path: '/', case: 'upper' },
        { glob: '/*.txt', flags: ['hidden', 'system'], case: 'lower' },
        { path: '/overlays', flags: ['-archive', 'readonly'] },
        { glob: '/**/*.bak', exclude: true },
      ]
      await writtenTo(image, { paths, symlinks: 'follow' }, [
        { path: 'Config.txt', type: 'file', content: 'a=1\n' },
        { path: 'config.txt.bak', type: 'file', content: 'a=0\n' },
        { path: 'overlays/A Long Name.dtbo', type: 'file', content: 'dt' },
        { path: 'copy.dtbo', type: 'symlink', target: 'overlays/A Long Name.dtbo' },
      ])
      expect(await attributesOf(image)).toEqual({
        'config.txt': 'AHS',
        OVERLAYS: 'DR',
        'OVERLAYS/A LONG NAME.DTBO': 'R',
        'COPY.DTBO': 'A',
      })
      expect((await mtoolsList(image)).sort()).toEqual([
        ...['COPY.DTBO', 'OVERLAYS/', 'OVERLAYS/A LONG NAME.DTBO', 'config.txt'],
      ])
      expect(await mtool(image, 'mtype', '::/copy.dtbo')).toBe('dt')
    })
  })

  it('give what the kernel finds behind the links', async () => {
    await fc.assert(
      fc.asyncProperty(layout, ({ parents, files, links, rules }) =>
        inFolder(async (folder) => {
          const tree = join(folder, 'tree')
          mkdirSync(tree)
          const entries: Entry[] = []
          const folders = ['']
          parents.forEach((parent, i) => {
            const path = join(folders[parent % folders.length], `d${i}`)
            folders.push(path)
            mkdirSync(join(tree, path))
            entries.push({ path, type: 'directory' })
          })
          const paths = files.map(([where, isReadOnly], i) => {
            const path = join(folders[where % folders.length], `F${i}`)
            writeFileSync(join(tree, path), path)
            entries.push({ path, type: 'file', content: path, mode: isReadOnly ? 0o444 : 0o644 })
            return path
          })
          const readOnly = new Set(files.flatMap(([, isReadOnly], i) => (isReadOnly ? [paths[i]] : [])))
          links.forEach(([where, to, toFolder, isAbsolute], i) => {
            const from = where % folders.length
            const later = folders.slice(from + 1)
            const end = toFolder && later.length > 0 ? later[to % later.length] : paths[to % paths.length]
            const path = join(folders[from], `l${i}`)
            const target = relative(dirname(join('/', path)), join('/', end))
            symlinkSync(target, join(tree, path))
            entries.push({ path, type: 'symlink', target: isAbsolute ? `/${end}` : target })
          })
          const specs = rules.map(({ selection, flags, nameCase, exclude }): FatPathRuleSpec => {
            // The root stays, and patterns leave out nothing that a link leads to.
            const selected = SELECTIONS[selection][0]
            return exclude && selected.glob === '/**/l?'
              ? { ...selected, exclude: true }
              : { ...selected, flags, ...(nameCase && { case: nameCase }) }
          })
          const image = join(folder, 'fat.img')
          await writtenTo(image, { symlinks: 'follow', paths: specs }, entries)

          const expected: Record<string, string> = {}
          const contents = new Map<string, string>()
          const all = [...followed(tree)]
          const rulesFor = (path: string) => specs.filter((_, i) => SELECTIONS[rules[i].selection][1](path))
          const parts = (path: string) =>
            path.split('/').map((_, i, names) => names.slice(0, i + 1).join('/'))
          for (const [path, content] of all) {
            if (parts(path).some((each) => rulesFor(each).some(({ exclude }) => exclude))) continue
            const letters = new Set(content === undefined ? ['D'] : ['A'])
            if (content !== undefined && readOnly.has(content)) letters.add('R')
            for (const { flags = [] } of rulesFor(path))
              for (const flag of flags) {
                if (flag.startsWith('-')) letters.delete(LETTERS[flag.slice(1) as (typeof FLAGS)[number]])
                else letters.add(LETTERS[flag as (typeof FLAGS)[number]])
              }
            const stored = parts(path).map((each) => {
              const name = each.slice(each.lastIndexOf('/') + 1)
              const last = rulesFor(each).findLast((rule) => rule.case !== undefined)?.case
              if (last === undefined) return name
              return last === 'upper' ? name.toUpperCase() : name.toLowerCase()
            })
            expected[stored.join('/')] = [...letters].sort().join('')
            if (content !== undefined) contents.set(stored.join('/'), content)
          }
          expect(await attributesOf(image)).toEqual(expected)
          for (const [path, content] of contents) {
            expect(await mtool(image, 'mtype', `::/${path}`)).toBe(content)
          }
        }),
      ),
      { numRuns: 60 },
    )
  })
})
