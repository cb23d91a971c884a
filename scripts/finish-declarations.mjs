/**
 * What the compiler leaves to do for declarations: those of internal modules are removed, and the rest is written so that
 * older compilers read it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/**
 * Leaves the declarations that package.json exports, and those they import.
 *
 * @param dist the folder of the declarations
 * @param all their paths in it
 * @param entries the paths of those that package.json exports
 */
export function finishDeclarations(dist, all, entries) {
  const left = new Set()
  const keep = (path) => {
    if (left.has(path)) return
    left.add(path)
    const text = readFileSync(join(dist, path), 'utf8')
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      if (fileName.startsWith('.')) keep(join(dirname(path), fileName.replace(/\.[jt]s$/, '.d.ts')))
    }
    writeFileSync(join(dist, path), forOlderCompilers(text))
  }
  for (const path of entries) keep(normalize(path))
  for (const path of all) if (!left.has(path)) rmSync(join(dist, path), { force: true })
}

/**
 * Relative imports end in `.js`; TypeScript leaves `.ts` in declarations, which it resolves itself only since 5.0. Typed
 * arrays have a type parameter since 5.7, and this argument is its default.
 */
const forOlderCompilers = (text) =>
  text
    .replaceAll(/(\bfrom |\bimport\()(['"])(\.[^'"\n]*)\.ts\2/g, '$1$2$3.js$2')
    .replaceAll(/\b((?:Uint|Int|BigUint|BigInt|Float)\d+Array)<ArrayBufferLike>/g, '$1')
