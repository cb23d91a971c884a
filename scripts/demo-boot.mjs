/** The part of the demo that boots: a small system of Debian's packages, on an emulated machine. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TIMEOUT_SECONDS = 300
/** What the system says last when all is well. */
const EXPECTED = 'files are as they were in the archive, and /var can be written'

/** The faster ones of QEMU's machines, what they need, and the serial port of each. */
const MACHINES = [
  {
    ...{ machine: 'q35', architecture: 'amd64', console: 'ttyS0' },
    packages: 'qemu-system-x86 ovmf qemu-utils',
  },
  {
    ...{ machine: 'virt-uefi', architecture: 'arm64', console: 'ttyAMA0' },
    packages: 'qemu-system-arm qemu-efi-aarch64 qemu-utils',
  },
]

/** The first machine that QEMU and its firmware are here for. */
export async function machineHere() {
  const { emulatorOf, uefiOf } = await import('../dist/boot/qemu/machines.js')
  const { findProgram } = await import('../dist/boot/qemu/programs.js')
  const { installedUefi } = await import('../dist/boot/qemu/uefi-firmware.js')
  for (const each of MACHINES) {
    const folder = mkdtempSync(join(tmpdir(), 'diskwright-demo-'))
    try {
      await findProgram('qemu-img')
      const qemu = await findProgram(emulatorOf(each.machine))
      await installedUefi(uefiOf(each.machine), qemu, folder)
      return each
    } catch {
      continue
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  return undefined
}

/** What Debian calls the packages for a machine. */
export const QEMU_PACKAGES = MACHINES[0].packages

/**
 * The folder with the packages that the system is made of. They are downloaded once.
 *
 * @param {(text: string) => void} say
 * @returns {string | undefined} undefined when they cannot be had, which is said
 */
export function ingredientsOf({ architecture }, say) {
  // The boot tests have them, too.
  const folders = ['boot', 'demo-packages'].map((name) => join(ROOT, '.cache', name, architecture))
  const there = folders.find((folder) => existsSync(join(folder, 'complete')))
  if (there !== undefined) return there
  say(
    `  Downloading a kernel, busybox and systemd-boot from Debian (some 30 MB, to .cache/demo-packages) ...`,
  )
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] }
    execFileSync('bash', [join(ROOT, 'scripts/demo-ingredients.sh'), architecture, folders[1]], options)
    return folders[1]
  } catch (error) {
    say(`  Left out: ${(error.stderr || error.message).trim().split('\n').at(-1)}.`)
    return undefined
  }
}

/**
 * Boots an image and passes on what the system in it says.
 *
 * @param {(text: string) => void} say
 * @returns {Promise<{ boots: boolean, log: string }>}
 */
export async function bootDemo({ machine }, image, command, say) {
  const args = [
    'boot',
    image,
    '--machine',
    machine,
    '--expect',
    EXPECTED,
    '--timeout',
    String(TIMEOUT_SECONDS),
  ]
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  for await (const line of createInterface({ input: child.stdout })) {
    log += `${line}\n`
    const [, said] = /demo: (.*)/.exec(line) ?? []
    if (said !== undefined) say(`  ${said.trimEnd()}`)
  }
  const code = child.exitCode ?? (await new Promise((resolve) => child.on('close', resolve)))
  return { boots: code === 0, log }
}
