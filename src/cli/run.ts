import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { BootFlags } from './boot.ts'
import type { BuildFlags } from './build.ts'
import { EXIT, exitCodeOf, reportError } from './exit.ts'
import type { PlanFlags } from './plan.ts'
import { parseSize } from '../spec/sizes.ts'

/** Runs the command line and returns the exit code; all that goes wrong has been reported then. */
export async function run(args: readonly string[]): Promise<number> {
  // What cannot be written is told to who writes it; without a listener it would also end the process.
  process.stdout.on('error', () => {})
  try {
    await makeProgram().parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    // Commander has said already what is wrong with the usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    reportError(error, { debug: args.includes('--debug') })
    return exitCodeOf(error)
  }
}

function makeProgram(): Command {
  const program = new Command('diskwright')
    .description('Builds bootable disk images from a tarball: no root, no loop device, no VM.')
    .version(version())
    .exitOverride()
    .configureOutput({
      outputError: (message, write) =>
        write(
          `diskwright: ${message
            .replace(/^error: /, '')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        ),
    })

  const closure = new Option('--closure <tar>', 'tar archive (.gz, .zst) for the raspberry-pi preset')
  const firmware = new Option('--firmware <dir>', 'folder with the firmware files, with --closure')
  const booting = {
    toplevel: new Option(
      '--toplevel <path>',
      'NixOS system to boot, a store path in the closure; auto: the one there is',
    ),
    ubootPi3: new Option('--uboot-pi3 <file>', 'U-Boot for a Raspberry Pi 3, with --closure'),
    ubootPi4: new Option('--uboot-pi4 <file>', 'U-Boot for a Raspberry Pi 4, with --closure'),
    fromFat: new Option('--boot-from-fat', 'put the boot files onto the firmware partition'),
    dupData: new Option('--dup-data', 'keep two copies of all content on BTRFS'),
  }
  const seed = new Option('--seed <text>', 'what UUIDs are derived from, with --closure')
  const debug = new Option('--debug', 'show where in the program an error came up')
  const description = 'image description (JSON); - reads it from standard input'

  program
    .command('build')
    .description('build the image of a description, or of a closure with the built-in preset')
    .argument('[spec]', description)
    .requiredOption('-o, --output <out>', 'file to write: .img or .img.zst; - for standard output')
    .addOption(closure)
    .addOption(firmware)
    .addOption(booting.toplevel)
    .addOption(booting.ubootPi3)
    .addOption(booting.ubootPi4)
    .addOption(booting.fromFat)
    .addOption(booting.dupData)
    .addOption(seed)
    .addOption(
      new Option('--format <format>', 'format of the output (default: by its name)').choices([
        'img',
        'img.zst',
      ]),
    )
    .addOption(
      new Option(
        '--workers <n>',
        'threads that compress; 0: none but the main one (default: all cores)',
      ).argParser((text) => wholeNumber(text, 0, MAX_WORKERS)),
    )
    .addOption(
      new Option(
        '--output-level <n>',
        'zstd level of an img.zst, 1 to 22, for what is not compressed yet',
      ).argParser((text) => wholeNumber(text, 1, 22)),
    )
    .option('--profile', 'say where the time went')
    .option('--force', 'replace an existing file')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print nothing but errors')
    .addOption(debug)
    .action(async (spec: string | undefined, flags: BuildFlags, command: Command) => {
      const { build } = await import('./build.ts')
      await build(spec, flags, (message) => command.error(message))
    })

  program
    .command('plan')
    .description('show what would be built: partitions, subvolumes, UUIDs')
    .argument('[spec]', description)
    .addOption(new Option('--preset <name>', 'a built-in description').choices(['raspberry-pi']))
    .addOption(closure)
    .addOption(firmware)
    .addOption(booting.toplevel)
    .addOption(booting.ubootPi3)
    .addOption(booting.ubootPi4)
    .addOption(booting.fromFat)
    .addOption(booting.dupData)
    .addOption(seed)
    .option('--json', 'print the plan as JSON; with --preset the description, for editing')
    .addOption(debug)
    .action(async (spec: string | undefined, flags: PlanFlags, command: Command) => {
      const { plan } = await import('./plan.ts')
      await plan(spec, flags, (message) => command.error(message))
    })

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

  program
    .command('schema')
    .description('print the JSON Schema of the image description')
    .addOption(debug)
    .action(async () => {
      const { schema } = await import('./schema.ts')
      await schema()
    })

  return program
}

const MAX_WORKERS = 1024
const MAX_TIMEOUT = 86_400
const MAX_PORT = 65_535
/** MiB */
const [MIN_MEMORY, MAX_MEMORY] = [128, 255 * 1024]

function sizeInBytes(text: string): number {
  const size = parseSize(text)
  if (size === undefined) throw new InvalidArgumentError('Expected bytes, or a size like 512MiB or 4GiB.')
  return size
}

function wholeNumber(text: string, least: number, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
