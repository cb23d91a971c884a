/**
 * npm run demo: builds a whole image from what is on this machine, and has every judge present look at it.
 *
 * It needs Node and nothing else: packages are installed when they are missing, a judge that is not there is
 * named and left out. What it makes stays in .cache/demo/. Exit code 1 when a judge disagrees.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { judgeAll } from './demo-judges.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUTPUT = join(ROOT, '.cache', 'demo')
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js')

const say = (text = '') => process.stdout.write(`${text}\n`)
const shown = (path) => relative(ROOT, path)
const number = (value) => value.toLocaleString('en-US')
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

function node(args, options = {}) {
  return execFileSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
}

/** Whether node_modules holds what package-lock.json asks for; optional packages may be missing. */
function hasDependencies() {
  const packagesOf = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages
  const lock = join('node_modules', '.package-lock.json')
  if (!existsSync(join(ROOT, lock))) return false
  const installed = packagesOf(lock)
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

function ensureDependencies() {
  if (hasDependencies()) return
  say('Installing packages (npm ci) ...')
  const { npm_execpath: npm } = process.env
  const args = ['ci', '--no-audit', '--no-fund']
  const options = { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] }
  if (npm === undefined) execFileSync('npm', args, options)
  else execFileSync(process.execPath, [npm, ...args], options)
}

function newest(folder) {
  const entries = readdirSync(folder, { recursive: true })
  return Math.max(...entries.map((entry) => statSync(join(folder, entry)).mtimeMs))
}

/** Compiles src/ to dist/. Types are checked elsewhere. */
function ensureBuild() {
  const last = join(ROOT, 'dist', 'schema.json')
  if (existsSync(last) && statSync(last).mtimeMs > newest(join(ROOT, 'src'))) return
  say('Compiling ...')
  node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck'])
  node(['scripts/write-schema.mjs'])
}

async function main() {
  ensureDependencies()
  ensureBuild()

  say('Making a closure: this Node, npm and the packages in node_modules, as store paths ...')
  const { makeDemo } = await import('../fixtures/demo/make-demo-closure.mjs')
  const { closure, firmware, entries, hardlinks, bytes } = makeDemo(OUTPUT)
  say(`  ${shown(closure)}: ${number(entries)} entries, ${number(hardlinks)} hard links, ${mib(bytes)}`)
  say(`  ${shown(firmware)}: firmware files`)
  say()

  const image = join(OUTPUT, 'demo.img')
  const packed = `${image}.zst`
  const build = ['build', '--closure', shown(closure), '--firmware', shown(firmware), '--force', '-o']
  say(`$ diskwright ${[...build, shown(packed)].join(' ')}`)
  say(node([COMMAND, ...build, shown(packed)]))
  const result = JSON.parse(node([COMMAND, ...build, shown(image), '--json']))
  say(`The same as ${shown(image)}, not compressed:`)
  say(`  ${mib(result.imageSize)}, of which ${mib(statSync(image).blocks * 512)} take space on the disk`)
  for (const { type, subvolumes = [] } of result.partitions) {
    if (type !== 'btrfs') continue
    for (const { id, name, path = 'no path', files } of subvolumes.slice(1)) {
      say(`  subvolume ${id} ${name.padEnd(10)} ${path.padEnd(12)} files: ${number(files)}`)
    }
  }
  say()

  say('Judges:')
  const judging = join(OUTPUT, 'judging')
  let disagree = 0
  let missing = 0
  for await (const { judge, verdict, text } of judgeAll({
    image,
    packed,
    closure,
    firmware,
    result,
    folder: judging,
  })) {
    if (verdict === 'DISAGREES') disagree++
    if (verdict === 'missing') missing++
    say(`  ${verdict.padEnd(9)}  ${judge}${text === '' ? '' : `: ${text}`}`)
  }
  rmSync(judging, { recursive: true, force: true })
  say()
  if (disagree > 0) say(`${disagree} judges disagree.`)
  else say(`Every judge that is here agrees${missing === 0 ? '' : ` (${missing} are missing)`}.`)
  process.exitCode = disagree > 0 ? 1 : 0
}

await main()
