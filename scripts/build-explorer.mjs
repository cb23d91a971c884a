/**
 * Builds the explorer: one folder with a static page, for any web server, or to be opened as a file.
 *
 * usage: node scripts/build-explorer.mjs [folder]    default: explorer/dist
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { checkNotices, notice } from './licence-notices.mjs'
import { PAGE_SCRIPT } from './esbuild-options.mjs'
import { ensureGenerated } from './ensure-dependencies.mjs'
import { writePage } from './write-page.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCE = join(ROOT, 'explorer')

/** Packages that end up in the page; their licences ask for a notice in every copy. */
const BUNDLED = ['crc-32', 'fflate', 'hash-wasm', 'pako', 'uuid', 'zod']

/** The explorer shows the heading and the disk itself. */
const MAP_STYLE = `
body > main { max-width: none; padding: 0; margin: 0; }
main > header, main > .disk { display: none; }
`

function bundle(entry, define = {}) {
  const { outputFiles, metafile } = buildSync({
    ...PAGE_SCRIPT,
    entryPoints: [entry],
    // Where threads would be; pools do without in a browser.
    logOverride: { 'empty-import-meta': 'silent' },
    define,
  })
  checkNotices('the explorer', metafile, BUNDLED)
  return outputFiles[0].text
}

const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Writes the page. @returns its folder */
export function buildExplorer(folder = join(SOURCE, 'dist')) {
  ensureGenerated()
  const map = mkdtempSync(join(tmpdir(), 'diskwright-map-'))
  writePage(join(ROOT, 'src/cli/report/page'), map)
  const [mapScript, ownStyle] = ['page.js', 'page.css'].map((name) => readFileSync(join(map, name), 'utf8'))
  const mapStyle = ownStyle + MAP_STYLE
  rmSync(map, { recursive: true })
  // In a page, the end of a script is found before it is read as one.
  const inspectScript = mapScript.replaceAll('</script', '<\\/script')
  const worker = bundle(join(SOURCE, 'src/worker/main.ts'))
  const page = bundle(join(SOURCE, 'src/page/main.ts'), {
    WORKER_SCRIPT: JSON.stringify(worker),
    INSPECT_SCRIPT: JSON.stringify(inspectScript),
    INSPECT_STYLE: JSON.stringify(mapStyle),
  })
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${hashOf(inspectScript)} 'wasm-unsafe-eval'`,
    `style-src 'self' ${hashOf(mapStyle)}`,
    "img-src blob: data: 'self'",
    'worker-src blob:',
    // Images at addresses that the user gives.
    'connect-src *',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'explorer.js'), `/*! ${BUNDLED.map(notice).join('')}*/\n${page}`)
  writeFileSync(
    join(folder, 'index.html'),
    readFileSync(join(SOURCE, 'index.html'), 'utf8').replace('POLICY', policy),
  )
  for (const name of ['explorer.css', 'icon.svg']) copyFileSync(join(SOURCE, name), join(folder, name))
  return folder
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildExplorer(process.argv[2]))
