import * as z from 'zod/mini'
import type { SourceEntry } from '../../../src/file-tree/entry.ts'
import { fromText, toText } from '../../../src/lib/byte-string.ts'
import { InputError } from '../../../src/lib/errors.ts'
import { Selection } from '../../../src/sources/selection.ts'
import { resolveSourceKeys, sourceKeys } from '../../../src/spec/sources/common.ts'
import { jsonMutator, type Json } from '../change-json.ts'
import { SelectionModel, type ModelEntry, type ModelKeys } from '../models/selection.ts'
import { SOURCE, Violation, words, type FuzzTarget } from '../target.ts'

const TYPES = { d: 'directory', f: 'file', l: 'symlink', h: 'hardlink' } as const
const KEYS = ['from', 'strip', 'include', 'exclude', 'owner', 'mode', 'clampTime'] as const
const PATHS = ['/', '/a', '/a/b', '/b', '/a/b/c', '/ab', '/é/aé', '/a b/[c]', '/a.txt', '/-', '/a/b/c/d/e']
const GLOBS = [
  '/*',
  '/**',
  '/a/**',
  '/**/b',
  '/**/*.txt',
  '/a?',
  '/?',
  '/[a-c]',
  '/[!a]',
  '/**/**/c',
  '/a*b*',
]
const MODES = [
  '0644',
  '7777',
  'go=rX',
  'u=rwx,go=',
  'a+X',
  'g=u',
  'u+s,g-s',
  '+t',
  '=',
  'o=t,ug+s',
  'u=g+x-w',
]
const NUMBERS = [0, 1, 2, 5, 255, 1000, 65534, 2 ** 32 - 2, 0o644, 0o755, 0o4755, 0o1777, 0o2775]

/** `{ "keys": ..., "entries": [[path, type, mode, uid, gid, mtime, target], ...] }`; what is none of these is left out. */
const SEEDS: Json[] = [
  {
    keys: { from: '/a', include: ['/**/b'], exclude: ['/b/c'], owner: 'root', mode: 'go=rX', clampTime: 5 },
    entries: [
      ['', 'd', 0o755, 1, 2, 3],
      ['a', 'd', 0o2775, 1, 2, 9],
      ['a/b', 'd', 0o700, 1, 2, 9],
      ['a/b/x.txt', 'f', 0o4711, 5, 6, 7],
      ['a/b/c', 'l', 0o777, 0, 0, 1, 'x'],
      ['a/b/y', 'h', 0, 0, 0, 0, 'a/b/x.txt'],
    ],
  },
  {
    keys: {
      strip: 1,
      include: ['/[!x-z]?*', '/é'],
      owner: { uid: { 1000: 0, 5: 6 }, gid: 7 },
      mode: { files: 'u=rw,o+t', directories: 'g+s' },
    },
    entries: [
      ['a/é', 'f', 0o644, 1000, 100, 0],
      ['a/é/é', 'd', 0o644, 5, 100, 2 ** 31],
      ['b/abc', 'h', 0o644, 5, 100, -1, 'a/é'],
    ],
  },
]

/** What the keys take of a source and make of it is compared with a model. */
export const selection: FuzzTarget = {
  name: 'selection',
  executions: 20_000,
  maxLength: 4096,
  dictionary: words(...[...KEYS, ...PATHS, ...GLOBS, ...MODES].map((word) => `"${word}"`), ...'{}[]:,"'),
  seeds: () => SEEDS.map((seed) => new TextEncoder().encode(JSON.stringify(seed))),
  mutate: jsonMutator({
    keys: [...KEYS, 'files', 'directories', 'uid', 'gid', '1', '1000'],
    values: [...PATHS, ...PATHS.map((path) => path.slice(1)), ...GLOBS, ...MODES, ...NUMBERS]
      .concat(Object.keys(TYPES), ['keep', 'root', '\ud83d\ude00', 'x'.repeat(255), '..', '__proto__'])
      .map((value): Json => value)
      .concat([[], {}, [['a', 'd', 0o755, 0, 0, 0]]]),
  }),
  async run(input) {
    const { keys, entries } = parse(input)
    const plan = resolveSourceKeys(keys, { name: SOURCE, time: { sec: 0, nsec: 0 }, resolvePath: String })
    const model = new SelectionModel(keys)
    const expected = model.apply(entries)
    const selection = plan.selection && new Selection(plan.selection)
    for (const { path, type } of selection === undefined ? [] : entries) {
      expectLeavesOut(selection!, model, path, type === 'directory')
    }
    let found: ModelEntry[]
    try {
      found = await taken(
        selection?.apply(sourceEntries(entries), SOURCE, () => undefined) ?? sourceEntries(entries),
      )
    } catch (error) {
      if (!(error instanceof InputError) || expected === undefined) throw error
      throw new Violation(`the model takes it, but ${error.message}`)
    }
    if (expected === undefined) throw new Violation('the model refuses what is taken')
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Violation(`expected\n${JSON.stringify(expected)}\nfound\n${JSON.stringify(found)}`)
    }
  },
}

/** Kinds look at less when they are told so: what is left out must really be. */
function expectLeavesOut(
  selection: Selection,
  model: SelectionModel,
  path: string,
  isDirectory: boolean,
): void {
  const isLeftOut = selection.leavesOut(fromText(path), isDirectory)
  const names = model.placeOf(path)
  const isTaken = names !== undefined && model.takes(names)
  if (isDirectory ? isLeftOut && isTaken : isLeftOut === isTaken) {
    throw new Violation(`"${path}" is ${isTaken ? '' : 'not '}taken, but leavesOut() is ${isLeftOut}`)
  }
}

/** Every key by itself, so that one wrong value does not hide the others. */
function parse(input: Uint8Array): { keys: ModelKeys; entries: ModelEntry[] } {
  const { keys: given, entries } = objectOf(jsonOf(input))
  const keys: Record<string, Json> = {}
  for (const key of KEYS) {
    const value = objectOf(given)[key]
    if (value === undefined) continue
    const isValid = z.strictObject({ [key]: sourceKeys[key] }).safeParse({ [key]: value }).success
    if (isValid && (key !== 'clampTime' || typeof value === 'number')) keys[key] = value
  }
  return { keys: keys, entries: Array.isArray(entries) ? entries.flatMap(entryOf) : [] }
}

function jsonOf(input: Uint8Array): Json {
  try {
    return JSON.parse(new TextDecoder().decode(input)) as Json
  } catch {
    return null
  }
}

const objectOf = (value: Json | undefined) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

function entryOf(value: Json): ModelEntry[] {
  const [path, type, mode, uid, gid, mtime, target] = Array.isArray(value) ? value : []
  if (typeof path !== 'string') return []
  const known = TYPES[type as keyof typeof TYPES] ?? 'file'
  const isLink = known === 'symlink' || known === 'hardlink'
  const number = (given: Json | undefined, limit: number) =>
    typeof given === 'number' && Number.isInteger(given) ? Math.abs(given) % limit : 0
  return [
    {
      path: plainPath(path),
      type: known,
      mode: number(mode, 0o10000),
      uid: number(uid, 2 ** 32 - 1),
      gid: number(gid, 2 ** 32 - 1),
      mtime: typeof mtime === 'number' && Number.isSafeInteger(mtime) ? mtime : 0,
      target: isLink && typeof target === 'string' ? plainPath(target) : 'a',
    },
  ]
}

/** A path as readers of archives give it. */
function plainPath(text: string): string {
  const isName = (name: string) => !['', '.', '..'].includes(name)
  return Buffer.from(text).toString().replaceAll('\0', '').split('/').filter(isName).join('/')
}

async function* sourceEntries(entries: readonly ModelEntry[]): AsyncGenerator<SourceEntry> {
  for (const { path, type, mode, uid, gid, mtime, target } of entries) {
    const common = {
      mode,
      uid,
      gid,
      mtime: { sec: mtime, nsec: 0 },
      path: fromText(path),
      origin: { source: SOURCE },
    }
    if (type === 'file') yield { ...common, type, size: 0, content: sourceContent() }
    else if (type === 'directory') yield { ...common, type }
    else yield { ...common, type, target: fromText(target) }
    await Promise.resolve()
  }
}

async function* sourceContent(): AsyncGenerator<Uint8Array> {}

async function taken(entries: AsyncIterable<SourceEntry>): Promise<ModelEntry[]> {
  const found: ModelEntry[] = []
  for await (const entry of entries) {
    const { path, mode, uid, gid, mtime } = entry
    const type = entry.type as ModelEntry['type']
    const target = 'target' in entry ? toText(entry.target)! : 'a'
    found.push({ path: toText(path)!, type, mode, uid, gid, mtime: mtime.sec, target })
  }
  return found
}
