/**
 * Makes the command a single file, with the modules of its threads, the WebAssembly and the page of `inspect` in it:
 * `diskwright.mjs`, which needs Node 20 or newer and nothing else; and with `--executable`, `diskwright`, which has Node in
 * it. The same sources give the same `diskwright.mjs`.
 *
 * usage: node scripts/single-file.mjs [--executable] [--node PATH] [FOLDER]   (default: release/)
 *
 * `--node` names the Node that is put into the executable: 25.5 or newer. Default: the one that runs this.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { commandOptions, REQUIRE, workerModules } from './bundle-command.mjs'
import { ensureBuild, ensureDependencies } from './ensure-dependencies.mjs'
import { noticesOf, packagesIn } from './licence-notices.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SRC = join(ROOT, 'src')
const EXECUTABLE_SINCE = [25, 5]

/** The file is the command, and each of its threads. */
const ENTRY = `
import { isMainThread } from 'node:worker_threads'
if (isMainThread) void import('./cli/main.ts')
else void import('./lib/worker-main.ts')
`

/** Of a module: a thread is started from the file itself. */
const START_FROM_MODULE = `
export const startThread = (Thread, workerData) => new Thread(new URL(import.meta.url), { workerData })
`

/** Of an executable: a thread is started from the text of the program, which is an asset of the executable. */
const START_FROM_ASSET = `
import { getAsset } from 'node:sea'
export const startThread = (Thread, workerData) =>
  new Thread(getAsset('diskwright.cjs', 'utf8'), { eval: true, workerData })
`

/** Handlers by the names of their modules. */
function handlerTable() {
  const modules = Object.entries(workerModules(SRC)).filter(([name]) => name !== 'worker-main')
  const rows = modules.map(([name, path]) => `'${name}.js': () => import(${JSON.stringify(path)})`)
  return `
    const HANDLERS = { ${rows.join(', ')} }
    export const importHandler = (module) => HANDLERS[module.replace(/^.*\\//, '')]()
  `
}

/** The page of \`inspect\`, as the build has made it. */
function pageModule() {
  const read = (name) => readFileSync(join(ROOT, 'dist/cli', name), 'utf8')
  const files = { script: read('page.js'), style: read('page.css') }
  return `export const pageFiles = () => (${JSON.stringify(files)})`
}

/** Puts other modules in place of those that look for files beside them. */
const inOneFile = (startThread) => {
  const replaced = new Map([
    [join(SRC, 'lib/start-thread.ts'), startThread],
    [join(SRC, 'lib/import-handler.ts'), handlerTable()],
    [join(SRC, 'cli/report/page-files.ts'), pageModule()],
  ])
  return {
    name: 'in-one-file',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = replaced.get(path)
        return contents === undefined ? undefined : { contents, loader: 'js' }
      })
    },
  }
}

/** @returns the text of the program, and the packages that are in it */
async function bundle(startThread, options) {
  const { outputFiles, metafile } = await build({
    ...commandOptions(),
    stdin: { contents: ENTRY, resolveDir: SRC, sourcefile: 'entry.js' },
    plugins: [inOneFile(startThread)],
    write: false,
    ...options,
  })
  return { text: outputFiles[0].text, packages: packagesIn(metafile) }
}

/** The licences of the packages in a program, as a comment. */
const noticeComment = (packages) => `/*\n${noticesOf(packages).replaceAll('*/', '* /')}*/\n`

async function makeModule(folder) {
  const { text, packages } = await bundle(START_FROM_MODULE, {
    format: 'esm',
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
  })
  return writeProgram(join(folder, 'diskwright.mjs'), text + noticeComment(packages))
}

async function makeExecutable(folder, node) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  const [major, minor] = version.slice(1).split('.').map(Number)
  if (major < EXECUTABLE_SINCE[0] || (major === EXECUTABLE_SINCE[0] && minor < EXECUTABLE_SINCE[1])) {
    throw new Error(
      `${node} is Node ${version}; expected ${EXECUTABLE_SINCE.join('.')} or newer (--node PATH)`,
    )
  }
  const { text, packages } = await bundle(START_FROM_ASSET, {
    format: 'cjs',
    // No file is there: of these URLs, only the last part counts.
    define: { ...commandOptions().define, 'import.meta.url': '"file:///diskwright/"' },
  })
  const work = mkdtempSync(join(tmpdir(), 'diskwright-executable-'))
  try {
    const program = join(work, 'diskwright.cjs')
    writeFileSync(program, text + noticeComment(packages))
    const output = join(work, 'diskwright')
    writeFileSync(
      join(work, 'sea.json'),
      JSON.stringify({
        ...{ main: program, output, executable: node, disableExperimentalSEAWarning: true },
        assets: { 'diskwright.cjs': program },
      }),
    )
    execFileSync(node, ['--build-sea', join(work, 'sea.json')], { stdio: ['ignore', 2, 2] })
    return writeProgram(join(folder, 'diskwright'), readFileSync(output))
  } finally {
    rmSync(work, { recursive: true })
  }
}

function writeProgram(path, content) {
  writeFileSync(`${path}.part`, content)
  chmodSync(`${path}.part`, 0o755)
  renameSync(`${path}.part`, path)
  return path
}

const { values, positionals } = parseArgs({
  options: { executable: { type: 'boolean', default: false }, node: { type: 'string' } },
  allowPositionals: true,
})
ensureDependencies()
ensureBuild()
const [folder = join(ROOT, 'release')] = positionals
mkdirSync(folder, { recursive: true })
const made = [await makeModule(folder)]
if (values.executable) made.push(await makeExecutable(folder, values.node ?? process.execPath))
process.stdout.write(made.map((path) => `${path}\n`).join(''))
