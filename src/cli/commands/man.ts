import type { Command } from 'commander'
import { addExamples, debugOption } from '../arguments.ts'
import { definitionsOf } from '../definitions.ts'
import { unknownCommand } from '../unknown-command.ts'
import { print } from '../print.ts'

export function addMan(program: Command): void {
  const command = program.command('man')
  addExamples(command, ['diskwright man | man -l -', 'diskwright man build > diskwright-build.1'])
  command
    .description('print a manual page, in the language of man(7)')
    .argument('[command]', 'command to print it for (default: the page of the program)')
    .addOption(debugOption())
    .action(async (name: string | undefined, _, command: Command) => {
      const { commandPage, programPage } = await import('../man-page.ts')
      const definitions = definitionsOf(program)
      if (name === undefined) return print(programPage(definitions))
      const found = definitions.commands.find((one) => one.name === name)
      if (found === undefined) return unknownCommand(name, program, command)
      await print(commandPage(definitions, found))
    })
}
