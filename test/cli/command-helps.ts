import { makeProgram } from '../../src/cli/program.ts'

/** The output of `diskwright COMMAND --help` for each command. */
export function commandHelps(): Map<string, string> {
  return new Map(
    makeProgram().commands.map((command) => {
      let text = ''
      command.configureOutput({ writeOut: (piece) => void (text += piece) })
      command.outputHelp()
      return [command.name(), text]
    }),
  )
}
