/**
 * Makes the script of a page out of its modules: a page that works from a file:// address cannot load any. They are
 * joined, each behind those it imports, without the words import and export; so names at their top must be different.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Script } from 'node:vm'
import ts from 'typescript'

const IMPORT = /^import \{[^}]*\} from '([^']+)';?\n/gm
const EXPORT = /^export (?:\{\};?\n|(?=async function|function|class|const|let))/gm

/** The modules that `path` needs, and then itself. */
function collect(path, found = new Map()) {
  if (found.has(path)) return found
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      removeComments: true,
    },
  })
  found.set(path, undefined)
  for (const [, target] of outputText.matchAll(IMPORT)) collect(resolve(dirname(path), target), found)
  const text = outputText.replaceAll(IMPORT, '').replaceAll(EXPORT, '')
  if (/^(?:import|export)\b/m.test(text))
    throw new Error(`${path}: an import or export of a kind that cannot be joined`)
  // Deleted and set again: the order of a map is that of the first time.
  found.delete(path)
  found.set(path, text)
  return found
}

/** Writes `page.js` and `page.css`. */
export function writePage(source, target) {
  const modules = [...collect(join(source, 'main.ts')).values()]
  mkdirSync(target, { recursive: true })
  const script = `'use strict'\n{\n${modules.join('')}}\n`
  // Compiled, not run: this is where two modules with the same name at their top come to light.
  new Script(script, { filename: 'page.js' })
  writeFileSync(join(target, 'page.js'), script)
  copyFileSync(join(source, 'page.css'), join(target, 'page.css'))
}
