/** The fuzzer. See CONTRIBUTING.md, "Fuzzing". */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { COUNTERS, instrument, MAX_COUNTERS } from './instrument.mjs'

const HERE = import.meta.dirname
const ROOT = join(HERE, '../..')
// Where optional packages are found as by the product.
const folder = join(ROOT, `node_modules/.cache/diskwright-fuzz/${process.pid}`)
mkdirSync(folder, { recursive: true })
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

await build({
  entryPoints: [join(HERE, 'supervisor.ts'), join(HERE, 'worker.ts')],
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  sourcesContent: false,
  packages: 'external',
  banner: { js: `globalThis.${COUNTERS} ??= new Uint8Array(${MAX_COUNTERS});` },
  plugins: [instrument(join(ROOT, 'src/'))],
  logLevel: 'error',
})
const { supervise } = await import(pathToFileURL(join(folder, 'supervisor.mjs')).href)
process.env.FUZZ_SEEDS = join(HERE, 'seeds')
process.exitCode = await supervise(process.argv.slice(2), {
  worker: join(folder, 'worker.mjs'),
  crashers: join(HERE, 'crashers'),
})
