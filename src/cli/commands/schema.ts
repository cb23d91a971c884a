import type { Command } from 'commander'
import { debugOption, addExamples } from '../arguments.ts'
import { printJson } from '../print.ts'

export function addSchema(program: Command): void {
  addExamples(program.command('schema'), ['diskwright schema > diskwright.schema.json'])
    .description('print the JSON Schema of the image description')
    .addOption(debugOption())
    .action(async () => {
      const { imageSchema } = await import('../../spec/json-schema.ts')
      await printJson(imageSchema())
    })
}
