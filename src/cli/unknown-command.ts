import type { Command } from 'commander'
import { nearestName } from '../lib/nearest-name.ts'

/** Ends the command because there is no command with this name. */
export function unknownCommand(name: string, program: Command, command: Command): never {
  const nearest = nearestName(
    name,
    program.commands.map((one) => one.name()),
  )
  const hint = nearest === undefined ? '' : ` (Did you mean ${nearest}?)`
  return command.error(`unknown command '${name}'${hint}`)
}
