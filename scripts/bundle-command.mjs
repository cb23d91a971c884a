/**
 * Bundles the command, with the modules its threads load beside it: Node starts a few files in half the time that it
 * takes to find and read a hundred.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { MODULES } from './esbuild-options.mjs'
import { NOTICES, noticesOf, packagesIn } from './licence-notices.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Writes `main.js`, the modules of its threads, what they share, and the notices that the licences of the packages in
 * them ask for.
 */
export function bundleCommand(source, target) {
  const { metafile } = buildSync({
    ...commandOptions(),
    entryPoints: { main: join(source, 'cli', 'main.ts'), ...workerModules(source) },
    outdir: target,
    splitting: true,
    format: 'esm',
    banner: { js: REQUIRE },
  })
  writeFileSync(join(target, NOTICES), noticesOf(packagesIn(metafile)))
}

/** Packages that are CommonJS modules load modules of Node by `require`, which an ES module does not have. */
export const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);"

/** What bundles of the command have in common. */
export function commandOptions() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return {
    ...MODULES,
    platform: 'node',
    target: 'node20',
    // A native module cannot be bundled.
    external: ['koffi', 'zstd-napi'],
    define: { DISKWRIGHT_VERSION: JSON.stringify(version) },
  }
}

/**
 * The modules that threads of the library load, by the names under which it looks for them.
 *
 * @param folder src/ or dist/; in dist/cli they are those of the bundle
 */
export function workerModules(folder) {
  const paths = readdirSync(folder, { recursive: true }).filter(
    (path) => /(^|[/\\])(\w+-worker|worker-main)\.[jt]s$/.test(path) && !/^cli[/\\]/.test(path),
  )
  return Object.fromEntries(paths.map((path) => [parse(path).name, join(folder, path)]))
}
