/** The direction in which the folders of src/ may import each other, as docs/architecture.md describes it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../src')

/** From the lowest to the highest: imports go down, or stay inside a folder. */
const LAYERS = [
  ['lib'],
  ['file-tree'],
  ['spec'],
  ['tar', 'swap'],
  ['output', 'gpt-mbr', 'fat32', 'btrfs', 'uboot'],
  ['sources'],
  ['input'],
  ['image'],
  ['boot', 'build'],
  ['(index)', 'browser'],
  ['cli', 'zenfs'],
]
/** The command sees what the public API is made of, so that it loads only what it needs, and no format. */
const CLI_MAY_IMPORT = new Set(['cli', '(index)', 'build', 'image', 'boot', 'spec', 'lib'])

/** Readers and writers of formats run in a browser, too. */
const PORTABLE_FOLDERS = new Set([
  'gpt-mbr',
  'fat32',
  'btrfs',
  'swap',
  'uboot',
  'file-tree',
  'spec',
  'tar',
  'browser',
])
const PORTABLE_PACKAGES = new Set(['crc-32', 'fflate', 'hash-wasm', 'pako', 'uuid', 'zod'])
const NOT_PORTABLE = new Set(['Buffer', 'process', 'require', '__dirname', '__filename'])
const CLOCK_OR_CHANCE = new Set(['Date.now', 'Math.random', 'performance.now', 'crypto.randomUUID'])

interface Module {
  /** Path below src/. */
  path: string
  /** Modules of src/, by their paths. */
  imports: string[]
  /** Those of them that are there at run time: without `import type`. */
  runtimeImports: string[]
  /** Packages and modules of Node that are there at run time. */
  packages: string[]
  /** Names that are used, of globals and others; not those of properties. */
  names: Set<string>
  /** `Date.now` and the like. */
  accesses: Set<string>
}

function parseModule(path: string): Module {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const module: Module = {
    path,
    imports: [],
    runtimeImports: [],
    packages: [],
    names: new Set(),
    accesses: new Set(),
  }
  const add = (specifier: ts.Node | undefined, isType: boolean) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    if (!specifier.text.startsWith('.')) {
      if (!isType) module.packages.push(specifier.text)
      return
    }
    const target = posix.join(posix.dirname(path), specifier.text)
    module.imports.push(target)
    if (!isType) module.runtimeImports.push(target)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    } else if (ts.isPropertyAccessExpression(node)) {
      if (ts.isIdentifier(node.expression)) module.accesses.add(`${node.expression.text}.${node.name.text}`)
      visit(node.expression)
      return
    } else if (ts.isIdentifier(node)) module.names.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest))
  return module
}

const modules = new Map(
  readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => [path, parseModule(path)]),
)

/** The folder a module is in; index.ts, the public face, lies in src/ itself. */
const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '(index)')
const layerOf = (folder: string) => LAYERS.findIndex((layer) => layer.includes(folder))
const isPortable = ({ path }: Module) => PORTABLE_FOLDERS.has(folderOf(path))
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** All that is loaded with a module, itself not counted unless it is part of a circle. */
function reach(path: string): Set<string> {
  const reached = new Set<string>()
  const open = [path]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of modules.get(next)?.runtimeImports ?? []) {
      if (reached.has(target)) continue
      reached.add(target)
      open.push(target)
    }
  }
  return reached
}

/** Folders with the layout of a disk format. */
const FORMATS = ['btrfs', 'fat32', 'gpt-mbr']
const filesOf = (folder: string) => [...modules.keys()].filter((path) => path.startsWith(folder))
const allowed = (path: string, target: string) => {
  const [from, to] = [folderOf(path), folderOf(target)]
  if (from === to) return true
  if (from === 'cli') return CLI_MAY_IMPORT.has(to)
  return layerOf(to) < layerOf(from)
}

describe('src/', () => {
  test('holds no file but index.ts itself', () => {
    expect([...modules.keys()].filter((path) => !path.includes('/'))).toEqual(['index.ts'])
  })
})

describe('names', () => {
  /** The same thing in several formats, or what several modules must offer under one name. */
  const SHARED = new Set(['SECTOR_SIZE', 'MEDIA_FLOPPY', 'MODULE_BASE64', 'createHandler'])
  const DECLARATION =
    /^export (?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let) ([\w$]+)/gm

  test('are exported by one module each, so that one name is one concept', () => {
    const places = new Map<string, Set<string>>()
    // diskwright/browser has the functions of diskwright for browsers.
    for (const path of [...modules.keys()].filter((path) => folderOf(path) !== 'browser')) {
      for (const [, name] of readFileSync(join(ROOT, path), 'utf8').matchAll(DECLARATION)) {
        places.set(name, (places.get(name) ?? new Set()).add(path))
      }
    }
    const twice = [...places].filter(([name, paths]) => paths.size > 1 && !SHARED.has(name))
    expect(twice.map(([name, paths]) => `${name}: ${[...paths].join(', ')}`)).toEqual([])
  })
})

describe('imports in src/', () => {
  test('are found, and lead to modules that exist', () => {
    const targets = [...modules.values()].flatMap(({ imports }) => imports)
    expect(modules.size).toBeGreaterThan(50)
    expect(targets.length).toBeGreaterThan(modules.size)
    expect(targets.filter((target) => !modules.has(target) && !target.endsWith('.json'))).toEqual([])
  })

  test('every folder has its place in the layers', () => {
    const folders = new Set([...modules.keys()].map(folderOf))
    expect([...folders].filter((folder) => layerOf(folder) < 0)).toEqual([])
  })

  test('go down the layers, and never from one format to another', () => {
    const against = [...modules.values()].flatMap(({ path, imports }) =>
      imports.filter((target) => !allowed(path, target)).map((target) => `${path} -> ${target}`),
    )
    expect(against).toEqual([])
  })

  test('do not go in circles', () => {
    expect([...modules.keys()].filter((path) => reach(path).has(path))).toEqual([])
  })
})

describe('rooms of a format', () => {
  test('format.ts knows nothing but the struct codec', () => {
    const formats = FORMATS.map((folder) => modules.get(`${folder}/format.ts`)!)
    expect(formats.length).toBeGreaterThan(2)
    for (const { path, imports, packages } of formats) {
      expect({ path, imports, packages }).toEqual({ path, imports: ['lib/struct.ts'], packages: [] })
    }
  })

  test.each([
    ['read', 'write'],
    ['read', 'check'],
    ['write', 'read'],
    ['write', 'check'],
    ['check', 'write'],
  ])('%s/ does without %s/', (room, other) => {
    const against = FORMATS.flatMap((folder) =>
      filesOf(`${folder}/${room}/`).flatMap((path) =>
        [...reach(path)]
          .filter((target) => target.startsWith(`${folder}/${other}/`))
          .map((target) => `${path} -> ${target}`),
      ),
    )
    expect(against).toEqual([])
  })

  test('check/ uses read/', () => {
    for (const folder of FORMATS) {
      const reached = filesOf(`${folder}/check/`).flatMap((path) => [...reach(path)])
      expect(
        reached.some((target) => target.startsWith(`${folder}/read/`)),
        folder,
      ).toBe(true)
    }
  })
})

describe('a new file system is a folder and a line in the table of drivers', () => {
  const KNOW_TYPES = /^(image|build)\/drivers\//
  const QUESTIONS = /[!=]== '(btrfs|fat|fat12|fat16|fat32)'|\bas (Btrfs|Fat)Reader\b|'writer' in /g

  test('nothing else in build/, image/, boot/ and zenfs/ asks for a type', () => {
    const against = [...modules.keys()]
      .filter(
        (path) => ['build', 'image', 'boot', 'zenfs'].includes(folderOf(path)) && !KNOW_TYPES.test(path),
      )
      .flatMap((path) =>
        [...readFileSync(join(ROOT, path), 'utf8').matchAll(QUESTIONS)].map(([found]) => `${path}: ${found}`),
      )
    expect(against).toEqual([])
  })
})

describe('portable folders', () => {
  const portable = [...modules.values()].filter(isPortable)
  /** Types do not matter here: they are gone when the code runs. */
  const loaded = new Set(portable.flatMap(({ path }) => [path, ...reach(path)]))

  test('load no module of Node, and no package that needs it', () => {
    const against = [...loaded].flatMap((path) =>
      modules
        .get(path)!
        .packages.filter((name) => !PORTABLE_PACKAGES.has(packageOf(name)))
        .map((name) => `${path} -> ${name}`),
    )
    expect(portable.length).toBeGreaterThan(30)
    expect(against).toEqual([])
  })

  test('use no global of Node', () => {
    const against = [...loaded].flatMap((path) =>
      [...modules.get(path)!.names]
        .filter((name) => NOT_PORTABLE.has(name))
        .map((name) => `${path}: ${name}`),
    )
    expect(against).toEqual([])
  })

  test('look at no clock and throw no dice', () => {
    const against = [...loaded].flatMap((path) =>
      [...modules.get(path)!.accesses]
        .filter((access) => CLOCK_OR_CHANCE.has(access))
        .map((access) => `${path}: ${access}`),
    )
    expect(against).toEqual([])
  })
})
