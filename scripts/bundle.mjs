/**
 * Bundles entry points of the package as programs that use it do, and measures them.
 *
 * usage: node scripts/bundle.mjs    prints the table of sizes that docs/reference/library.md shows
 */
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import commonjs from '@rollup/plugin-commonjs'
import nodeResolve from '@rollup/plugin-node-resolve'
import { build } from 'esbuild'
import { rollup } from 'rollup'
import { workerModules } from './bundle-command.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The subpaths of the package that run anywhere. */
export const PORTABLE = ['btrfs', 'fat32', 'partition-table', 'tar', 'browser']

/** The file that package.json exports as `diskwright/${subpath}`, or as `diskwright` for '.'. */
export function entryPoint(subpath) {
  const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'))
  return `${ROOT}/${exports[subpath === '.' ? '.' : `./${subpath}`].default}`
}

/** @returns the text of one minified module; throws when something cannot be resolved in a browser */
export async function bundleForBrowser(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    minify: true,
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0].text
}

/** @returns the chunks of rollup's output, the entry first; throws when something is left to be imported at run time */
export async function bundleWithRollup(entry) {
  const bundle = await rollup({
    input: entry,
    plugins: [nodeResolve({ browser: true, preferBuiltins: false }), commonjs()],
    onwarn({ code, message }) {
      if (code === 'UNRESOLVED_IMPORT' || code === 'MISSING_EXPORT') throw new Error(message)
    },
  })
  try {
    const { output } = await bundle.generate({ format: 'es' })
    return output.filter(({ type }) => type === 'chunk')
  } finally {
    await bundle.close()
  }
}

/**
 * Bundles a program for Node. One entry gives one file, without threads; with those of `workerEntries` as further
 * entries, named so that they lie beside it, threads start as they do without a bundler.
 *
 * @param entries from the name of an output file, without `.js`, to its source
 */
export async function bundleForNode(entries, outdir) {
  await build({
    entryPoints: entries,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir,
    logLevel: 'silent',
    // A native module cannot be bundled; without it zstd is that of Node or WebAssembly.
    external: ['koffi', 'zstd-napi'],
    banner: { js: 'import { createRequire as r } from "node:module"; const require = r(import.meta.url);' },
  })
}

/** The modules that threads of the library load, in dist/. */
export function workerEntries() {
  return workerModules(`${ROOT}/dist`)
}

/** Modules of Node that a bundle would load. */
export function nodeModulesIn(text) {
  const imports = [...text.matchAll(/(?:from|import|import\(|require\()\s*["']([^"'\n]+)["']/g)].map(
    ([, name]) => name,
  )
  return imports.filter((name) => name.startsWith('node:') || builtinModules.includes(name))
}

/** Bytes of a bundle, minified, and compressed by gzip. */
export async function bundleSizes(subpaths = PORTABLE) {
  const sizes = []
  for (const subpath of subpaths) {
    const text = await bundleForBrowser(entryPoint(subpath))
    sizes.push({ subpath, minified: Buffer.byteLength(text), gzipped: gzipSync(text, { level: 9 }).length })
  }
  return sizes
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kB = (bytes) => `${Math.round(bytes / 1000)} kB`
  console.log('| import | minified | gzip |\n| --- | ---: | ---: |')
  for (const { subpath, minified, gzipped } of await bundleSizes()) {
    console.log(`| \`diskwright/${subpath}\` | ${kB(minified)} | ${kB(gzipped)} |`)
  }
}
