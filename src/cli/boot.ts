import { resolve } from 'node:path'
import type { BootResult, MachineName } from '../boot/boot-image.ts'
import { CommandError } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { printJson } from './print.ts'
import { showProgress } from './progress.ts'

export interface BootFlags {
  machine: MachineName
  uboot?: string
  dtb?: string
  expect?: string
  timeout?: number
  sshPort?: number
  memory?: number
  diskSize?: number
  keep?: string
  json?: true
}

/** `diskwright boot`: runs an image in QEMU, its console on the terminal. */
export async function boot(
  image: string,
  flags: BootFlags,
  usage: (message: string) => never,
): Promise<void> {
  const { machine, json, ...rest } = flags
  if (machine === 'virt' && flags.uboot === undefined) {
    usage('--machine virt needs --uboot: a u-boot.bin for qemu_arm64, with BTRFS when it boots from that')
  }
  if (machine === 'raspi3b' && flags.memory !== undefined && flags.memory !== 1024) {
    usage('a raspi3b has 1024 MiB of memory: --memory is for --machine virt')
  }
  if (flags.keep !== undefined && resolve(flags.keep) === resolve(image)) {
    usage('--keep names the image itself, which is never changed')
  }
  const interactive = process.stdin.isTTY
  const console = json ? process.stderr : process.stdout
  const progress = showProgress(process.stderr)
  if (interactive) process.stderr.write('diskwright: Ctrl-A X ends the machine\n')
  const { bootImage } = await import('../boot/boot-image.ts')
  try {
    const result = await interruptible((signal) =>
      bootImage(image, {
        ...rest,
        machine,
        interactive,
        onConsole(piece) {
          progress?.clear()
          console.write(piece)
        },
        onNotice: (text) => process.stderr.write(`diskwright: ${text}\n`),
        onProgress: (state) => progress?.update({ ...state, entries: 0 }),
        signal,
      }),
    )
    if (json) await printJson(result)
    checkOutcome(result, flags)
  } finally {
    progress?.clear()
  }
}

/** @throws CommandError when the boot is none that was wanted */
function checkOutcome({ outcome }: BootResult, { expect, timeout }: BootFlags): void {
  const wanted = expect === undefined ? undefined : JSON.stringify(expect)
  if (outcome === 'timeout') {
    const what = wanted === undefined ? 'the machine was still running' : `${wanted} did not appear`
    throw new CommandError([`${what} after ${timeout} seconds`])
  }
  if (outcome === 'ended' && wanted !== undefined) {
    throw new CommandError([`the machine ended, and ${wanted} did not appear`])
  }
}
