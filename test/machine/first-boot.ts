/** A NixOS system of Debian's packages, whose first boot is that of nix/module.nix; see fixtures/first-boot. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { makeInitrd } from '../../fixtures/boot/initrd.mjs'
import { buildWithNix, canBuildWithNix, REPOSITORY } from '../judges/nix.ts'
import { findTool, missingJudge, mustRun } from '../judges/run-tool.ts'
import { canBoot, INGREDIENTS } from './machine.ts'

const FIXTURE = join(REPOSITORY, 'fixtures/first-boot')

/** Whether Nix can build the system and QEMU boot it; says so loudly when not. */
export function canFirstBoot(): boolean {
  const userland = join(INGREDIENTS, 'userland', 'packages')
  const hasUserland =
    existsSync(userland) || missingJudge('systemd for arm64', `${userland}: see scripts/boot-ingredients.sh`)
  return [hasUserland, canBuildWithNix(), canBoot()].every(Boolean)
}

export interface FirstBootSystem {
  /** The image as Nix has built it, compressed. */
  image: string
  kernel: string
  initrd: string
  /** With `init=`. */
  kernelParams: string
}

/** Builds system and image, in a store below the folder. */
export async function buildFirstBoot(folder: string): Promise<FirstBootSystem> {
  const packages = join(INGREDIENTS, 'arm64')
  const evaluated = JSON.parse(readFileSync(join(FIXTURE, 'evaluated.json'), 'utf8')) as {
    stage1Fstab: string
  }
  const initrd = join(folder, 'initrd')
  const version = readFileSync(join(packages, 'complete'), 'utf8').trim()
  writeFileSync(
    initrd,
    makeInitrd({
      packages,
      version,
      init: readFileSync(join(FIXTURE, 'stage-1.sh')),
      files: { fstab: Buffer.from(evaluated.stage1Fstab) },
    }),
  )
  const store = join(folder, 'root')
  const toplevel = `import ${FIXTURE}/toplevel.nix {
    inherit pkgs;
    ingredients = ${realpathSync(INGREDIENTS)};
    initrd = ${initrd};
  }`
  const system = `systemWith {
    imports = [ ${FIXTURE}/configuration.nix ];
    system.build.toplevel = lib.mkForce (${toplevel});
  }`
  const [image, top] = await buildWithNix(store, `[ (tools.image { nixos = ${system}; }) (${toplevel}) ]`)
  const parameters = readFileSync(join(top, 'kernel-params'), 'utf8')
  return {
    image: join(
      image,
      readdirSync(image).find((name) => name.endsWith('.img.zst'))!,
    ),
    kernel: join(store, readlinkSync(join(top, 'kernel'))),
    initrd,
    kernelParams: `${parameters} init=${top.slice(store.length)}/init`,
  }
}

/** A new disk in QEMU's format whose content is the image's until it is written to. */
export async function newDisk(image: string, disk: string, size: number): Promise<void> {
  await mustRun('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'raw', disk, String(size)])
}

/** When the power is cut: after as many writes to the disk, counted from when a text is on the console. */
export interface Moment {
  /** '' is the beginning. */
  after: string
  writes: number
}

/** systemd says so on the console when it starts the service, and this when it has ended. */
export const SERVICE_STARTS = 'Starting diskwright-first-boot.service'
const SERVICE_ENDS = 'Finished diskwright-first-boot.service'

export interface MachineRun {
  /** What came on the console. */
  console: string
  /** Whether the power was cut. */
  isCut: boolean
}

/**
 * Starts the system without a boot loader, which would take longer than all the rest, and lets it run until it is off or
 * the power is cut. As with a real disk, what the machine has not flushed may then be lost: clusters that the file
 * got since are not in its tables.
 *
 * @param cut the power goes then, and at the latest when the service has ended
 */
export async function runUntilOff(
  { kernel, initrd, kernelParams }: FirstBootSystem,
  disk: string,
  cut?: Moment,
): Promise<MachineRun> {
  const socket = `${disk}.qmp`
  const append = `${kernelParams} console=ttyAMA0,115200n8 systemd.show_status=1 TERM=dumb judge=quick`
  const args = [
    ...['-machine', 'virt', '-cpu', 'cortex-a53', '-smp', '2', '-m', '1024', '-no-reboot'],
    ...['-display', 'none', '-monitor', 'none', '-nic', 'none', '-serial', 'stdio'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', append],
    ...['-drive', `file=${disk},format=qcow2,if=none,id=disk,cache=writeback`],
    ...['-device', 'virtio-blk-pci,drive=disk', '-qmp', `unix:${socket},server=on,wait=off`],
  ]
  const child = spawn(findTool('qemu-system-aarch64')!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  const ended = once(child, 'close')
  const monitor = await connectMonitor(socket, child)
  let isCut = false
  let from: number | undefined
  try {
    for (;;) {
      const writes = await monitor.writes()
      if (writes === undefined) break
      if (cut !== undefined && from === undefined && said.includes(cut.after)) from = writes
      if (cut !== undefined && (writes - from! >= cut.writes || said.includes(SERVICE_ENDS))) {
        isCut = child.kill('SIGKILL')
        break
      }
      await wait(2)
    }
  } finally {
    if (!isCut && child.exitCode === null) child.kill()
    await ended
    monitor.close()
  }
  return { console: said, isCut }
}

/** QEMU's monitor, as soon as it listens. */
async function connectMonitor(path: string, child: ChildProcess) {
  let socket: Socket | undefined
  while (socket === undefined) {
    if (child.exitCode !== null) throw new Error(`QEMU ended with code ${child.exitCode}`)
    await wait(20)
    const tried = createConnection(path)
    socket = await once(tried, 'connect').then(
      () => tried,
      () => undefined,
    )
  }
  const answers: ((answer: unknown) => void)[] = []
  let rest = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const message = JSON.parse(line) as { return?: unknown }
      if ('return' in message) answers.shift()?.(message.return)
    }
  })
  const isOver = () => answers.splice(0).forEach((answer) => answer(undefined))
  socket.on('error', isOver).on('close', isOver)
  const ask = (execute: string) =>
    new Promise<unknown>((resolve) => {
      if (socket.destroyed) return resolve(undefined)
      answers.push(resolve)
      socket.write(`${JSON.stringify({ execute })}\n`)
    })
  await ask('qmp_capabilities')
  return {
    async writes(): Promise<number | undefined> {
      const all = (await ask('query-blockstats')) as { stats: { wr_operations: number } }[] | undefined
      return all?.reduce((sum, { stats }) => sum + stats.wr_operations, 0)
    },
    close: () => socket.destroy(),
  }
}
