/**
 * Puts what the library uses of some packages into dist/vendor/, and makes the compiled modules import it from there: the
 * library uses a small part of them, and whoever installs it would get all of each.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import ts from 'typescript'
import { MODULES } from './esbuild-options.mjs'
import { NOTICES, noticesOf, packagesIn } from './licence-notices.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Development dependencies that compiled modules may import. */
const VENDORED = ['hash-wasm', 'jsonc-parser', 'pako', 'zod']

/**
 * Rewrites compiled modules, and writes the modules that they import instead, with the notices that the licences of the
 * packages ask for.
 *
 * @param dist the folder of the modules
 * @param modules their paths in it
 * @throws Error when a module imports a package in a way from which the names it uses cannot be told
 */
export async function vendorPackages(dist, modules) {
  /** From the specifier to the names that are used of it. */
  const used = new Map()
  for (const module of modules) {
    const path = join(dist, module)
    const text = readFileSync(path, 'utf8')
    if (!VENDORED.some((name) => text.includes(name))) continue
    const imports = importsOf(path, text)
    for (const { specifier, names } of imports) {
      used.set(specifier, new Set([...(used.get(specifier) ?? []), ...names]))
    }
    writeFileSync(path, withImports(text, imports, relative(dirname(module), 'vendor')))
  }
  const folder = join(dist, 'vendor')
  const { metafile } = await build({
    ...MODULES,
    entryPoints: [...used.keys()].map((specifier) => ({ in: specifier, out: moduleName(specifier) })),
    plugins: [partsOf(used)],
    outdir: folder,
    chunkNames: 'shared-[hash]',
    splitting: true,
    format: 'esm',
    // Portable: no module of Node.
    platform: 'neutral',
    target: 'es2022',
  })
  writeFileSync(join(folder, NOTICES), noticesOf(packagesIn(metafile)))
}

/** `zod/v4/locales/en.js` becomes `zod-v4-locales-en`. */
const moduleName = (specifier) => specifier.replace(/\.js$/, '').replaceAll(/[@/]/g, '-')

/** Entry points that export the used names of a package and nothing else. */
const partsOf = (used) => ({
  name: 'parts-of-packages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'entry-point' ? { path, namespace: 'parts', sideEffects: false } : undefined,
    )
    onLoad({ filter: /./, namespace: 'parts' }, ({ path }) => ({
      contents: `export { ${[...used.get(path)].sort().join(', ')} } from ${JSON.stringify(path)}`,
      resolveDir: ROOT,
    }))
  },
})

const isVendored = (specifier) =>
  VENDORED.some((name) => specifier === name || specifier.startsWith(`${name}/`))

/** The imports of vendored packages in a module: where the specifiers are, and the names that are used. */
function importsOf(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found = []
  const add = (literal, names) =>
    found.push({ start: literal.getStart(), end: literal.end, specifier: literal.text, names })
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && isVendored(node.moduleSpecifier.text)) {
      add(node.moduleSpecifier, namesOfClause(source, node.importClause))
    } else if (isDynamicImport(node) && isVendored(node.arguments[0].text)) {
      add(node.arguments[0], namesOfPattern(source, node.parent.parent))
    } else if (ts.isExportDeclaration(node) && isVendored(node.moduleSpecifier?.text ?? '')) {
      throw unclear(source, node)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const isDynamicImport = (node) =>
  ts.isCallExpression(node) &&
  node.expression.kind === ts.SyntaxKind.ImportKeyword &&
  ts.isStringLiteral(node.arguments[0])

/** `import a, { b } from`, or `import * as a from` with the members of `a` that the module uses. */
function namesOfClause(source, { name, namedBindings }) {
  const names = name === undefined ? [] : ['default']
  if (namedBindings === undefined) return names
  if (ts.isNamespaceImport(namedBindings)) return membersOf(source, namedBindings.name)
  return [...names, ...namedBindings.elements.map(nameOfElement)]
}

/** `const { a } = await import(...)` */
function namesOfPattern(source, declaration) {
  if (!ts.isVariableDeclaration(declaration) || !ts.isObjectBindingPattern(declaration.name)) {
    throw unclear(source, declaration)
  }
  return declaration.name.elements.map(nameOfElement)
}

const nameOfElement = ({ propertyName, name }) => (propertyName ?? name).text

function membersOf(source, namespace) {
  const members = new Set()
  const visit = (node) => {
    if (ts.isIdentifier(node) && node.text === namespace.text && node !== namespace) {
      const { parent } = node
      if (!ts.isPropertyAccessExpression(parent)) throw unclear(source, parent)
      if (parent.expression === node) members.add(parent.name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return members
}

function unclear(source, node) {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart())
  return new Error(`${source.fileName}:${line + 1}: expected an import that names what it uses`)
}

function withImports(text, imports, folder) {
  let result = text
  for (const { start, end, specifier } of imports.toReversed()) {
    const path = `${folder.replaceAll(sep, '/')}/${moduleName(specifier)}.js`
    result = `${result.slice(0, start)}'${path.startsWith('.') ? path : `./${path}`}'${result.slice(end)}`
  }
  return result
}
