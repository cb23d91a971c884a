/**
 * Runs after `npm ci` in a clone, and when npm installs the package from git, which packs what is there then: compiles
 * src/ to dist/ when that is missing or older. Without the packages that compile it (`npm ci --omit=dev`) it does nothing.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const hasPackage = (name) => existsSync(fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)))

if (['esbuild', 'typescript', 'xz-decompress'].every(hasPackage)) {
  const { ensureBuild } = await import('./ensure-dependencies.mjs')
  ensureBuild()
}
