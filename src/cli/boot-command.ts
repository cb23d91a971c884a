/** The command that boots images. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseSize } from '../spec/sizes.ts'
import type { BootFlags } from './boot.ts'
import { wholeNumber } from './whole-number.ts'

const MAX_TIMEOUT = 86_400
const MAX_PORT = 65_535
/** MiB */
const [MIN_MEMORY, MAX_MEMORY] = [128, 255 * 1024]

export function addBootCommand(program: Command, debug: Option): void {
  program
    .command('boot')
    .description('boot an image in QEMU, its console on the terminal; the image is not changed')
    .argument('<image>', 'image: .img, or compressed')
    .addOption(
      new Option('--machine <name>', 'the machine: a Raspberry Pi 3 B, or the faster one of QEMU')
        .choices(['raspi3b', 'virt'])
        .default('raspi3b'),
    )
    .option(
      '--uboot <file>',
      "U-Boot for the machine (default on raspi3b: that of the image's FAT partition)",
    )
    .option('--dtb <file>', "device tree (default on raspi3b: that of the image's FAT partition)")
    .option('--expect <text>', 'end when this appears on the console; it is an error when it never does')
    .addOption(
      new Option('--timeout <seconds>', 'end after this time, which is an error').argParser((text) =>
        wholeNumber(text, 1, MAX_TIMEOUT),
      ),
    )
    .addOption(
      new Option('--ssh-port <port>', 'port of this computer that leads to port 22 of the machine').argParser(
        (text) => wholeNumber(text, 1, MAX_PORT),
      ),
    )
    .addOption(
      new Option('--memory <MiB>', 'memory of the machine (virt only; default: 1024)').argParser((text) =>
        wholeNumber(text, MIN_MEMORY, MAX_MEMORY),
      ),
    )
    .addOption(
      new Option(
        '--disk-size <size>',
        "size of the disk, as 4GiB (default: the image's, or the next that SD cards have)",
      ).argParser(sizeInBytes),
    )
    .option('--keep <file>', 'keep the disk as the machine has left it, as a new image')
    .option('--json', 'print how it ended as JSON; the console goes to standard error')
    .addOption(debug)
    .action(async (image: string, flags: BootFlags, command: Command) => {
      const { boot } = await import('./boot.ts')
      await boot(image, flags, (message) => command.error(message))
    })
}

function sizeInBytes(text: string): number {
  const size = parseSize(text)
  if (size === undefined) throw new InvalidArgumentError('Expected bytes, or a size like 512MiB or 4GiB.')
  return size
}
