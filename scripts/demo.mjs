/**
 * npm run demo: builds a whole image from what is on this machine, and has every judge present look at it.
 *
 * It needs Node and nothing else: packages are installed when they are missing, a judge that is not there is
 * named and left out. What it makes stays in .cache/demo/. Exit code 1 when a judge disagrees.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { judgeAll } from './demo-judges.mjs'
import { ensureBuild, ensureDependencies } from './ensure-dependencies.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUTPUT = join(ROOT, '.cache', 'demo')
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js')

const say = (text = '') => process.stdout.write(`${text}\n`)
const shown = (path) => relative(ROOT, path)
const number = (value) => value.toLocaleString('en-US')
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

function diskwright(args) {
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  return execFileSync(process.execPath, [COMMAND, ...args], options)
}

async function main() {
  ensureDependencies()
  ensureBuild()

  say('Making a closure: this Node, npm and the packages in node_modules, as store paths ...')
  const { makeDemo } = await import('../fixtures/demo/make-demo-closure.mjs')
  const { closure, firmware, entries, hardlinks, bytes } = makeDemo(OUTPUT)
  say(`  ${shown(closure)}: ${number(entries)} entries, ${number(hardlinks)} hard links, ${mib(bytes)}`)
  say(`  ${shown(firmware)}: firmware files`)
  say('  The kernel and the firmware are stand-ins: this image is whole, but it does not boot.')
  say()

  const image = join(OUTPUT, 'demo.img')
  const packed = `${image}.zst`
  const build = ['build', '--closure', shown(closure), '--firmware', shown(firmware), '--force', '-o']
  say(`$ diskwright ${[...build, shown(packed)].join(' ')}`)
  say(diskwright([...build, shown(packed)]))
  const result = JSON.parse(diskwright([...build, shown(image), '--json']))
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

try {
  await main()
} catch (error) {
  // A command that failed has reported why.
  process.stderr.write(`demo: ${error.message.split('\n')[0]}\n`)
  process.exitCode = 1
}
