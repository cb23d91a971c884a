import { Command, CommanderError } from 'commander'
import { addBoot } from './commands/boot.ts'
import { addBuild } from './commands/build.ts'
import { addCat } from './commands/cat.ts'
import { addDiff } from './commands/diff.ts'
import { addCompletion } from './commands/completion.ts'
import { addExtract } from './commands/extract.ts'
import { addHelp } from './commands/help.ts'
import { addInit } from './commands/init.ts'
import { addInspect } from './commands/inspect.ts'
import { addLs } from './commands/ls.ts'
import { addMan } from './commands/man.ts'
import { addPlan } from './commands/plan.ts'
import { addPreset } from './commands/preset.ts'
import { addSchema } from './commands/schema.ts'
import { addVerify } from './commands/verify.ts'
import { EXIT, exitCodeOf, reportError } from './exit.ts'
import { styled } from './style.ts'
import { version } from './version.ts'

/** In the order of the help. Each command loads what it needs of the library when it runs. */
const COMMANDS = [
  addBuild,
  addPlan,
  addInit,
  addPreset,
  addInspect,
  addLs,
  addCat,
  addExtract,
  addVerify,
  addDiff,
  addBoot,
  addSchema,
  addCompletion,
  addMan,
  addHelp,
]

/** Runs the command line and reports errors. @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  // The callback of each write gets its error; without a listener the error would also end the process.
  process.stdout.on('error', () => {})
  try {
    await makeProgram().parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    // Commander has reported wrong usage already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    reportError(error, { debug: args.includes('--debug') })
    return exitCodeOf(error)
  }
}

/** The command line, ready to parse arguments. */
export function makeProgram(): Command {
  const program = new Command('diskwright')
    .description(
      'Builds bootable disk images from a tarball, and reads them: no root, no loop device, no VM.',
    )
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ styleTitle: (text) => styled(text, 'bold', process.stdout) })
    .configureOutput({
      outputError: (message, write) =>
        write(
          `${styled('diskwright:', 'red', process.stderr)} ${message
            .replace(/^error: /, '')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        ),
    })

  for (const add of COMMANDS) add(program)
  return program
}
