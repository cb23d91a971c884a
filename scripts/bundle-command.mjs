/**
 * Bundles the command, with the modules its threads load beside it: Node starts a few files in half the time that it
 * takes to find and read a hundred.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { basename, join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { NOTICES, noticesOf, packagesIn } from './licence-notices.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Writes `main.js`, the modules of its threads, what they share, and the notices that the licences of the packages in
 * them ask for.
 *
 * @returns the paths of the files, relative to the target
 */
export function bundleCommand(source, target) {
  const { metafile } = buildSync({
    entryPoints: { main: join(source, 'cli', 'main.ts'), ...workerModules(source) },
    outdir: target,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // The module build of a package can be taken apart; its CommonJS build often cannot be bundled.
    mainFields: ['module', 'main'],
    // A native module cannot be bundled.
    external: ['koffi', 'zstd-napi'],
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    // Names stay, for those who read a stack trace.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: 'warning',
  })
  writeFileSync(join(target, NOTICES), noticesOf(packagesIn(metafile)))
  return [...Object.keys(metafile.outputs).map((path) => basename(path)), NOTICES]
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
