/**
 * Bundles the command, with the modules its threads load beside it: Node starts a few files in half the time that it
 * takes to find and read a hundred.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NOTICES = 'third-party-notices.txt'

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
    legalComments: 'none',
    metafile: true,
    absWorkingDir: ROOT,
    logLevel: 'warning',
  })
  writeFileSync(join(target, NOTICES), packagesIn(metafile).map(notice).join('\n\n'))
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

/** The names of the packages that a bundle has parts of, in order. */
function packagesIn(metafile) {
  const names = Object.keys(metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  return [...new Set(names)].sort()
}

/** @throws Error when a page bundles a package whose licence notice it does not have */
export function checkNotices(what, metafile, listed) {
  const unlisted = packagesIn(metafile).find((name) => !listed.includes(name))
  if (unlisted !== undefined) throw new Error(`${what} bundles ${unlisted}: list it for its licence notice`)
}

/** The licence of a package. */
export function notice(name) {
  const folder = join(ROOT, 'node_modules', name)
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${folder}: no licence; expected one, as the package is bundled`)
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}
