import { Argument, type Command } from 'commander'
import { debugOption, addExamples } from '../arguments.ts'
import { printJson } from '../print.ts'

/** What has a schema besides the description: what a command prints with `--json`. */
const OUTPUTS = ['build', 'plan', 'ls', 'inspect', 'verify', 'diff', 'extract', 'boot', 'progress'] as const

export function addSchema(program: Command): void {
  addExamples(program.command('schema'), [
    'diskwright schema > diskwright.schema.json',
    'diskwright schema build > build-result.schema.json',
  ])
    .description('print the JSON Schema of the image description, or of what a command prints as JSON')
    .addArgument(
      new Argument(
        '[output]',
        'command whose output with --json it describes; progress: a line of --progress json',
      ).choices(OUTPUTS),
    )
    .addOption(debugOption())
    .action(async (output: (typeof OUTPUTS)[number] | undefined) => {
      if (output !== undefined) {
        const { default: schemas } = await import('../output-schemas.json', { with: { type: 'json' } })
        return printJson(schemas[output])
      }
      const { imageSchema } = await import('../../spec/schema/json-schema.ts')
      await printJson(imageSchema())
    })
}
