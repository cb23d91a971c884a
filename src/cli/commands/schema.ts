import type { Command } from 'commander'
import { debugOption, examples } from '../arguments.ts'
import { printJson } from '../print.ts'

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the image description')
    .addOption(debugOption())
    .addHelpText('after', examples('diskwright schema > diskwright.schema.json'))
    .action(async () => {
      const { imageSchema } = await import('../../spec/json-schema.ts')
      await printJson(imageSchema())
    })
}
