import type { SourceEntry } from '../../../src/file-tree/entry.ts'
import type { MergeRule, Replacement } from '../../../src/file-tree/merge.ts'
import type { DirectoryNode } from '../../../src/file-tree/node.ts'
import { FileTree } from '../../../src/file-tree/tree.ts'
import { fromText, toText } from '../../../src/lib/byte-string.ts'
import { InputError } from '../../../src/lib/errors.ts'
import { jsonMutator, type Json } from '../change-json.ts'
import { listing, MergeModel, type ModelEntry } from '../models/merge.ts'
import { SOURCE, Violation, words, type FuzzTarget } from '../target.ts'

const RULES: readonly MergeRule[] = ['follow', 'replace', 'refuse']
const PATHS = ['a', 'b', 'c', 'a/b', 'a/c', 'b/a', 'a/b/c', 'l', 'l/x', 'l/m', 'usr/lib', 'lib', 'lib/x', 'é']
const TARGETS = [
  'a',
  '/a',
  '../a',
  '..',
  '.',
  '/',
  '../../../a/b',
  'a/.',
  'a//b/',
  'l',
  'm',
  'usr/lib',
  'none',
  '',
]
const LINES = [
  ...PATHS.flatMap((path) => [path, `${path}/`]),
  ...TARGETS.flatMap((target) => [`l -> ${target}`, `a/m -> ${target}`, `h = ${target}`, `b/h = ${target}`]),
  '/',
]

/** Sources in their order; an entry is `d/`, `f`, `l -> target` or `h = target`. */
const SEEDS: Json[] = [
  [
    {
      merge: 'follow',
      to: '',
      entries: ['usr/', 'usr/lib/', 'usr/lib/ld.so', 'lib -> usr/lib', 'h = lib/ld.so'],
    },
    { merge: 'follow', to: '', entries: ['/', 'lib/', 'lib/modules/', 'lib/modules/x', 'usr -> lib'] },
    { merge: 'follow', to: 'lib/modules', entries: ['/', 'y', 'x = y', 'z/'] },
  ],
  [
    { merge: 'refuse', to: 'a', entries: ['d/x', 'f', 'l -> ../b', 'l/y', 'd/'] },
    { merge: 'replace', to: 'a', entries: ['l/', 'd', 'f -> x', 'f', 'g = d'] },
    { merge: 'refuse', to: '', entries: ['a/', 'a/e/', 'c -> /a/.', 'c/l/z', 'a/e'] },
  ],
]

/** Several sources in one tree, compared with a model. */
export const merge: FuzzTarget = {
  name: 'merge',
  executions: 20_000,
  maxLength: 4096,
  dictionary: words(
    ...[...LINES, ...RULES].map((word) => `"${word}"`),
    ...'{}[]:,"',
    ' -> ',
    ' = ',
    '/',
    '../',
  ),
  seeds: () => SEEDS.map((seed) => new TextEncoder().encode(JSON.stringify(seed))),
  mutate: jsonMutator({
    keys: ['merge', 'to', 'entries'],
    values: [...LINES, ...PATHS, ...RULES].map((value): Json => value).concat([[], {}, [['a']]]),
  }),
  async run(input) {
    const replaced: Replacement[] = []
    const tree = new FileTree<string>({
      content: { store: ({ path }) => String(path), copy: (content) => Promise.resolve(content) },
      time: { sec: 0, nsec: 0 },
      onReplace: (replacement) => void replaced.push(replacement),
    })
    const model = new MergeModel()
    let mtime = 1
    for (const { rule, to, entries } of sourcesOf(input)) {
      tree.beginSource(rule)
      model.beginSource(rule)
      for (const line of entries) {
        const entry = { ...entryOf(line), mtime: mtime++ }
        const isTaken = model.add(entry, to)
        try {
          await tree.add(sourceEntry(entry), fromText(to))
        } catch (error) {
          if (!(error instanceof InputError) || !isTaken) throw error
          throw new Violation(`the model takes "${line}", but ${error.message}`)
        }
        if (!isTaken) throw new Violation(`the model refuses "${line}"`)
      }
    }
    expectSame(treeListing(tree.root), listing(model.root))
    expectSame(
      replaced.map(({ path, type, by }) => ({ path: toText(path), type, by })),
      model.replaced,
    )
    if (tree.root.metadata.mtime.sec !== model.root.mtime) throw new Violation('the root has other metadata')
  },
}

function expectSame(found: unknown[], expected: unknown[]): void {
  if (JSON.stringify(found) === JSON.stringify(expected)) return
  throw new Violation(`expected\n${JSON.stringify(expected)}\nfound\n${JSON.stringify(found)}`)
}

function sourcesOf(input: Uint8Array): { rule: MergeRule; to: string; entries: string[] }[] {
  let sources: unknown
  try {
    sources = JSON.parse(new TextDecoder().decode(input))
  } catch {
    return []
  }
  return (Array.isArray(sources) ? (sources as unknown[]) : []).map((source) => {
    const { merge, to, entries } = Object(source) as Record<string, unknown>
    return {
      rule: RULES.find((rule) => rule === merge) ?? 'follow',
      to: typeof to === 'string' ? plainPath(to) : '',
      entries: Array.isArray(entries) ? entries.filter((entry) => typeof entry === 'string') : [],
    }
  })
}

function entryOf(line: string): Omit<ModelEntry, 'mtime'> {
  const [, path, arrow, target] = /^(.*?) (->|=) (.*)$/s.exec(line) ?? ['', line, '', '']
  if (arrow === '->') return { path: plainPath(path), type: 'symlink', target: wellFormed(target) }
  if (arrow === '=') return { path: plainPath(path), type: 'hardlink', target: plainPath(target) }
  return { path: plainPath(path), type: line.endsWith('/') ? 'directory' : 'file', target: '' }
}

const wellFormed = (text: string) => Buffer.from(text).toString().replaceAll('\0', '')

/** A path as readers of archives give it. */
function plainPath(text: string): string {
  const isName = (name: string) => !['', '.', '..'].includes(name)
  return wellFormed(text).split('/').filter(isName).join('/')
}

function sourceEntry({ path, type, target, mtime }: ModelEntry): SourceEntry {
  const common = { path: fromText(path), mode: 0o755, uid: 0, gid: 0, mtime: { sec: mtime, nsec: 0 } }
  const entry = { ...common, origin: { source: SOURCE } }
  if (type === 'directory') return { ...entry, type }
  if (type === 'file') return { ...entry, type, size: 0, content: noContent() }
  return { ...entry, type, target: fromText(target) }
}

async function* noContent(): AsyncGenerator<Uint8Array> {}

/** As the model's. */
function treeListing(
  directory: DirectoryNode<string>,
  prefix = '',
  inodes = new Map<number, number>(),
): string[] {
  return [...directory.children]
    .map(([name, node]) => [toText(name)!, node] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, node]) => {
      const known = inodes.get(node.id) ?? inodes.size
      inodes.set(node.id, known)
      const path = `${prefix}${name}`
      const target = node.type === 'symlink' ? ` -> ${toText(node.target)}` : ''
      const line = `${path} ${node.type} ${known} ${node.metadata.mtime.sec}${target}`
      return node.type === 'directory' ? [line, ...treeListing(node, `${path}/`, inodes)] : [line]
    })
}
