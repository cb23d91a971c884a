/** Counts which blocks of the product run: a counter is put into every one before it is compiled. */
import { readFile } from 'node:fs/promises'
import ts from 'typescript'

/** Name of the global array of counters, one byte each. */
export const COUNTERS = '__fuzzCounters'
export const MAX_COUNTERS = 1 << 17

/** A plugin of esbuild that instruments the modules in `folder`. */
export function instrument(folder) {
  let next = 0
  return {
    name: 'instrument',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!path.startsWith(folder) || path.endsWith('-module.ts')) return undefined
        const { outputText } = ts.transpileModule(await readFile(path, 'utf8'), {
          fileName: path,
          compilerOptions: {
            target: ts.ScriptTarget.ES2023,
            module: ts.ModuleKind.ESNext,
            inlineSourceMap: true,
            verbatimModuleSyntax: true,
          },
          transformers: { before: [withCounters(() => next++ % MAX_COUNTERS)] },
        })
        return { contents: outputText, loader: 'js' }
      })
    },
  }
}

function withCounters(nextId) {
  return (context) => {
    const { factory } = context
    const count = () =>
      factory.createPostfixIncrement(
        factory.createElementAccessExpression(factory.createIdentifier(COUNTERS), nextId()),
      )
    const statement = () => factory.createExpressionStatement(count())
    const counted = (expression) =>
      factory.createParenthesizedExpression(factory.createComma(count(), expression))
    const branch = (node) =>
      node === undefined || ts.isBlock(node) ? node : factory.createBlock([statement(), node], true)
    const visit = (original) => {
      const node = ts.visitEachChild(original, visit, context)
      if (ts.isBlock(node)) return factory.updateBlock(node, [statement(), ...node.statements])
      if (ts.isIfStatement(node)) {
        return factory.updateIfStatement(
          node,
          node.expression,
          branch(node.thenStatement),
          branch(node.elseStatement) ?? factory.createBlock([statement()]),
        )
      }
      if (ts.isCaseClause(node)) {
        return factory.updateCaseClause(node, node.expression, [statement(), ...node.statements])
      }
      if (ts.isDefaultClause(node))
        return factory.updateDefaultClause(node, [statement(), ...node.statements])
      if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
        return factory.updateArrowFunction(
          node,
          node.modifiers,
          node.typeParameters,
          node.parameters,
          node.type,
          node.equalsGreaterThanToken,
          counted(node.body),
        )
      }
      if (ts.isConditionalExpression(node)) {
        return factory.updateConditionalExpression(
          node,
          node.condition,
          node.questionToken,
          counted(node.whenTrue),
          node.colonToken,
          counted(node.whenFalse),
        )
      }
      if (ts.isBinaryExpression(node) && LAZY.has(node.operatorToken.kind)) {
        return factory.updateBinaryExpression(node, node.left, node.operatorToken, counted(node.right))
      }
      return node
    }
    return (file) => ts.visitNode(file, visit)
  }
}

const LAZY = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
])
