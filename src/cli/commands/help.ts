import type { Command } from 'commander'
import { addExamples, debugOption } from '../arguments.ts'
import { unknownCommand } from '../unknown-command.ts'

export function addHelp(program: Command): void {
  addExamples(program.command('help'), ['diskwright help build'])
    .description('show the help of a command')
    .argument('[command]', 'command to show the help of (default: the program)')
    .addOption(debugOption())
    .action((name: string | undefined, _, command: Command) => {
      const shown = name === undefined ? program : program.commands.find((one) => one.name() === name)
      if (shown === undefined) unknownCommand(name!, program, command)
      shown.outputHelp()
    })
}
