/**
 * npm run demo: builds a whole image from what is on this machine, and has every judge present look at it; and builds a
 * second one, of packages of Debian, that boots in QEMU.
 *
 * It needs Node and nothing else: packages of npm are installed when they are missing, a judge that is not there is
 * named and left out, and so is the boot without QEMU. What it makes stays in .cache/demo/. Exit code 1 when a judge
 * disagrees, or the second image does not boot.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bootDemo, ingredientsOf, machineHere, QEMU_PACKAGES } from './demo-boot.mjs'
import { judgeAll } from './demo-judges.mjs'
import { ensureBuild, ensureDependencies } from './ensure-dependencies.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUTPUT = join(ROOT, '.cache', 'demo')
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js')

const say = (text = '') => process.stdout.write(`${text}\n`)
const shown = (path) => relative(ROOT, path)

function diskwright(args) {
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  return execFileSync(process.execPath, [COMMAND, ...args], options)
}

/** A module of the command, which dist/ has only as a part of a bundle. */
async function importSource(path) {
  const { buildSync } = await import('esbuild')
  const options = { bundle: true, write: false, format: 'esm', platform: 'node', target: 'node20' }
  const { outputFiles } = buildSync({ entryPoints: [join(ROOT, path)], ...options })
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`)
}

async function main() {
  ensureDependencies()
  ensureBuild()

  const { bytesText, countText, digitGroups } = await importSource('src/cli/units.ts')
  say('Making a closure: this Node, npm and the packages in node_modules, as store paths ...')
  const { makeDemo } = await import('../fixtures/demo/make-demo-closure.mjs')
  const { closure, firmware, entries, hardlinks, bytes } = makeDemo(OUTPUT)
  say(
    `  ${shown(closure)}: ${countText(entries, 'entry', 'entries')}, ${countText(hardlinks, 'hard link')}, ${bytesText(bytes)}`,
  )
  say(`  ${shown(firmware)}: firmware files`)
  say(
    '  The kernel and the firmware are stand-ins: this image is whole, but it does not boot. The second one does.',
  )
  say()

  const image = join(OUTPUT, 'demo.img')
  const packed = `${image}.zst`
  const build = ['build', '--closure', shown(closure), '--firmware', shown(firmware), '--force', '-o']
  say(`$ diskwright ${[...build, shown(packed)].join(' ')}`)
  say(diskwright([...build, shown(packed)]))
  const result = JSON.parse(diskwright([...build, shown(image), '--json']))
  say(`The same as ${shown(image)}, not compressed:`)
  const allocated = statSync(image).blocks * 512
  say(`  ${bytesText(result.imageSize)}, of which ${bytesText(allocated)} are allocated on the disk`)
  for (const { type, subvolumes = [] } of result.partitions) {
    if (type !== 'btrfs') continue
    for (const { id, name, path = 'no path', files } of subvolumes.slice(1)) {
      say(`  subvolume ${id} ${name.padEnd(10)} ${path.padEnd(12)} files: ${digitGroups(files)}`)
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
  if (disagree > 0) say(`${countText(disagree, 'judge')} ${disagree === 1 ? 'disagrees' : 'disagree'}.`)
  else say(`All installed judges agree${missing === 0 ? '' : `; ${missing} could not be asked`}.`)
  say()
  const boots = await demoBoot()
  process.exitCode = disagree > 0 || !boots ? 1 : 0
}

/** Builds an image that boots, and boots it. @returns false when it does not boot */
async function demoBoot() {
  say('An image that boots:')
  const machine = await machineHere()
  if (machine === undefined) {
    say(`  Left out: QEMU is not installed. (Debian: apt install ${QEMU_PACKAGES})`)
    return true
  }
  const packages = ingredientsOf(machine, say)
  if (packages === undefined) return true
  const { makeDemoSystem } = await import('../fixtures/demo/make-demo-system.mjs')
  const archive = join(OUTPUT, 'system.tar')
  const { version } = makeDemoSystem(packages, machine, archive)
  say(`  ${shown(archive)}: Linux ${version}, an initramfs, busybox and systemd-boot`)
  const image = join(OUTPUT, 'system.img.zst')
  say(`$ diskwright build ${shown(archive)} --force -o ${shown(image)}`)
  say(diskwright(['build', shown(archive), '--force', '-o', shown(image)]).trimEnd())
  say(`$ diskwright boot ${shown(image)} --machine ${machine.machine}`)
  say('  (every processor instruction is emulated: this takes some 10 to 60 seconds)')
  const { boots, log } = await bootDemo(machine, image, COMMAND, say)
  say(boots ? 'It boots.' : `It does not boot. The console and the errors:\n${log}`)
  return boots
}

try {
  await main()
} catch (error) {
  // A command that failed has reported why.
  process.stderr.write(`demo: ${error.message.split('\n')[0]}\n`)
  process.exitCode = 1
}
