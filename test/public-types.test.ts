/** Every type in a public signature can be imported by its name, and a name means the same thing wherever it is exported. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, { types?: string } | string>
}
/** From the subpath to its declarations. */
const entries = Object.entries(exports).flatMap(([subpath, target]) =>
  typeof target === 'object' && target.types !== undefined
    ? [[subpath, join(ROOT, target.types)] as const]
    : [],
)

const program = ts.createProgram(
  entries.map(([, file]) => file),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, skipLibCheck: true, types: ['node'] },
)
const checker = program.getTypeChecker()

/** The declaration behind a name, whatever it is called where it is used. */
function resolved(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function exportsOf(file: string): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)
  return checker.getExportsOfModule(module!)
}

/** Symbols of this package that the declaration of a symbol mentions, private members apart. */
function mentioned(symbol: ts.Symbol): ts.Symbol[] {
  const found: ts.Symbol[] = []
  const visit = (node: ts.Node): void => {
    // A struct table and the type of its values share a name; an editor shows the fields.
    if (ts.isVariableDeclaration(node)) return
    const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined
    if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : ts.isImportTypeNode(node)
          ? node.qualifier
          : undefined
    const target = name && checker.getSymbolAtLocation(name)
    if (target !== undefined) found.push(resolved(target))
    ts.forEachChild(node, visit)
  }
  for (const declaration of symbol.declarations ?? []) visit(declaration)
  // Names that are no more than a part of the type they stand in, such as the base of a class.
  const isNamed = ({ name, declarations = [] }: ts.Symbol) =>
    declarations.some((declaration) => {
      const module = checker.getSymbolAtLocation(declaration.getSourceFile())
      return module?.exports?.has(ts.escapeLeadingUnderscores(name)) === true
    })
  return found.filter(
    (type) =>
      (type.flags & ts.SymbolFlags.TypeParameter) === 0 &&
      type.name !== 'ValueOf' &&
      isNamed(type) &&
      type.declarations?.some((declaration) =>
        declaration.getSourceFile().fileName.startsWith(join(ROOT, 'dist')),
      ),
  )
}

describe.each(entries)('%s', (_, file) => {
  test('exports every type that its signatures mention', () => {
    const symbols = exportsOf(file).map(resolved)
    const exported = new Set(symbols)
    const missing = symbols.flatMap((symbol) =>
      mentioned(symbol)
        .filter((type) => !exported.has(type))
        .map((type) => {
          const place = relative(ROOT, type.declarations![0].getSourceFile().fileName)
          return `${type.name} (${place}), in ${symbol.name}`
        }),
    )
    expect(symbols.length).toBeGreaterThan(1)
    expect([...new Set(missing)]).toEqual([])
  })
})

test('a name is one thing, from whichever subpath it comes', () => {
  const seen = new Map<string, Map<ts.Symbol, string>>()
  // diskwright/browser is diskwright for browsers: some of its functions take and give other things.
  for (const [subpath, file] of entries.filter(([subpath]) => subpath !== './browser')) {
    for (const symbol of exportsOf(file)) {
      const meanings = seen.get(symbol.name) ?? new Map<ts.Symbol, string>()
      const meaning = resolved(symbol)
      meanings.set(meaning, meanings.get(meaning) ?? subpath)
      seen.set(symbol.name, meanings)
    }
  }
  const ambiguous = [...seen].filter(([, meanings]) => meanings.size > 1)
  expect(ambiguous.map(([name, meanings]) => `${name}: ${[...meanings.values()].join(', ')}`)).toEqual([])
})
