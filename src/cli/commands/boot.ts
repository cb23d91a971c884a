import { counted } from '../../lib/counted.ts'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { resolve } from 'node:path'
import type { BootResult, MachineName } from '../../boot/boot-image.ts'
import { unreadOptions } from '../../boot/options.ts'
import { MACHINE_NAMES } from '../../boot/qemu/machines.ts'
import { parseSize } from '../../spec/notation/sizes.ts'
import { debugOption, progressOption, addExamples, parseWholeNumber } from '../arguments.ts'
import type { UsageError } from '../preset-options.ts'
import { CommandError } from '../exit.ts'
import { interruptible } from '../interrupt.ts'
import { warn } from '../place.ts'
import { printJson } from '../print.ts'
import { showProgress, type ProgressMode } from '../progress.ts'

interface BootFlags {
  progress: ProgressMode
  machine?: MachineName
  uboot?: string
  dtb?: string
  firmware?: string
  expect?: string
  timeout?: number
  sshPort?: number
  memory?: number
  diskSize?: number
  keep?: string
  json?: true
}

const MAX_TIMEOUT = 86_400
const MAX_PORT = 65_535
/** MiB */
const [MIN_MEMORY, MAX_MEMORY] = [128, 255 * 1024]

export function addBoot(program: Command): void {
  addExamples(program.command('boot'), [
    "diskwright boot pi.img.zst --expect 'login:' --timeout 300",
    'diskwright boot disk.img --machine virt --uboot u-boot.bin --ssh-port 2222',
    'diskwright boot pc.img --disk-size 8GiB',
  ])
    .description('boot an image in QEMU, with its console on the terminal; the image is not changed')
    .argument('<image>', 'image to boot, compressed or not')
    .addOption(
      new Option(
        '--machine <name>',
        'a Raspberry Pi 3 B; the faster machine of QEMU, with U-Boot or with UEFI; a PC with UEFI (default: the one that starts what is on the image)',
      ).choices(MACHINE_NAMES),
    )
    .option('--uboot <file>', "U-Boot for the machine (default on raspi3b: from the image's FAT partition)")
    .option('--dtb <file>', "device tree (default on raspi3b: from the image's FAT partition)")
    .option('--firmware <file>', "UEFI firmware (default on virt-uefi and q35: what QEMU's packages have)")
    .option('--expect <text>', 'stop when this text appears on the console; fail when it never does')
    .addOption(
      new Option('--timeout <seconds>', 'stop after this time, and fail').argParser(
        parseWholeNumber(1, MAX_TIMEOUT),
      ),
    )
    .addOption(
      new Option('--ssh-port <port>', 'local port to forward to port 22 of the machine').argParser(
        parseWholeNumber(1, MAX_PORT),
      ),
    )
    .addOption(
      new Option('--memory <MiB>', 'memory of the machine (not of raspi3b; default: 1024)').argParser(
        parseWholeNumber(MIN_MEMORY, MAX_MEMORY),
      ),
    )
    .addOption(
      new Option(
        '--disk-size <size>',
        'size of the disk, such as 4GiB (default: the size of the image, rounded up for raspi3b)',
      ).argParser(sizeInBytes),
    )
    .option('--keep <file>', 'save the disk as the machine leaves it, as a new image')
    .option('--json', 'print the outcome as JSON; the console goes to standard error')
    .addOption(progressOption())
    .addOption(debugOption())
    .action((image: string, flags: BootFlags, command: Command) =>
      boot(image, flags, (message) => command.error(message)),
    )
}

function sizeInBytes(text: string): number {
  const size = parseSize(text)
  if (size === undefined) throw new InvalidArgumentError('Expected bytes, or a size like 512MiB or 4GiB.')
  return size
}

/** Boots an image in QEMU, with its console on the terminal. */
async function boot(image: string, flags: BootFlags, usage: UsageError): Promise<void> {
  const { machine, json, progress: mode, ...rest } = flags
  if (machine === 'virt' && flags.uboot === undefined) {
    usage(
      '--machine virt needs --uboot: a u-boot.bin for qemu_arm64, with BTRFS support if it boots from BTRFS',
    )
  }
  if (machine === 'raspi3b' && flags.memory !== undefined && flags.memory !== 1024) {
    usage('a raspi3b has 1024 MiB of memory: --memory is for the other machines')
  }
  const unread = machine && unreadOptions(machine).find((name) => flags[name] !== undefined)
  if (unread !== undefined) usage(`--${unread} is not for --machine ${machine}`)
  if (flags.keep !== undefined && resolve(flags.keep) === resolve(image)) {
    usage('--keep must not name the image itself')
  }
  const interactive = process.stdin.isTTY
  const console = json ? process.stderr : process.stdout
  const progress = showProgress(process.stderr, { mode })
  if (interactive) process.stderr.write('diskwright: Ctrl-A X ends the machine\n')
  const { bootImage } = await import('../../boot/boot-image.ts')
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
        onMachine(name, reason) {
          progress?.clear()
          warn(`chose --machine ${name}: ${reason}`)
        },
        onNotice: (text) => process.stderr.write(`diskwright: ${text}\n`),
        onProgress: progress?.update,
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
    throw new CommandError([`${what} after ${counted(timeout!, 'second')}`])
  }
  if (outcome === 'ended' && wanted !== undefined) {
    throw new CommandError([`the machine ended, and ${wanted} did not appear`])
  }
}
