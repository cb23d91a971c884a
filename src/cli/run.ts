import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import type { BuildFlags } from './build.ts'
import { EXIT, exitCodeOf, reportError } from './exit.ts'
import type { InspectFlags } from './inspect.ts'
import type { PlanFlags } from './plan.ts'
import { addReadCommands } from './read-commands.ts'
import { MAX_WORKERS, wholeNumber } from './whole-number.ts'

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
    .description(
      'Builds bootable disk images from a tarball, and reads them: no root, no loop device, no VM.',
    )
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
    .addOption(seed)
    .option('--json', 'print the plan as JSON; with --preset the description, for editing')
    .addOption(debug)
    .action(async (spec: string | undefined, flags: PlanFlags, command: Command) => {
      const { plan } = await import('./plan.ts')
      await plan(spec, flags, (message) => command.error(message))
    })

  program
    .command('inspect')
    .description('show what an image is made of, and what takes how much of it')
    .argument('<image>', 'image to read: .img, .img.zst, or one file system')
    .option('--json', 'print the report as JSON')
    .option('--html <report>', 'write the report as a page that needs no network')
    .option('--force', 'replace an existing page')
    .addOption(debug)
    .action(async (image: string, flags: InspectFlags) => {
      const { inspect } = await import('./inspect.ts')
      await inspect(image, flags)
    })

  program
    .command('schema')
    .description('print the JSON Schema of the image description')
    .addOption(debug)
    .action(async () => {
      const { schema } = await import('./schema.ts')
      await schema()
    })

  addReadCommands(program, debug)

  return program
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
