import type { Command } from 'commander'
import { resolve } from 'node:path'
import { debugOption, addExamples } from '../arguments.ts'
import { INPUT, loadDescription, withDescription } from '../description.ts'
import { addDescriptionOptions, type DescriptionFlags, type UsageError } from '../preset-options.ts'
import { warn } from '../place.ts'
import { planText } from '../plan-report.ts'
import { print, printJson } from '../print.ts'

interface PlanFlags extends DescriptionFlags {
  json?: true
}

export function addPlan(program: Command): void {
  const command = addExamples(program.command('plan'), [
    'diskwright plan image.json',
    'diskwright plan rootfs.tar',
    'diskwright plan --preset raspberry-pi --json',
  ])
    .description('show what a build would make: partitions, subvolumes, UUIDs')
    .argument('[input]', INPUT)
  addDescriptionOptions(command)
    .option('--json', 'print the plan as JSON')
    .addOption(debugOption())
    .action((input: string | undefined, flags: PlanFlags, command: Command) =>
      plan(input, flags, (message) => command.error(message)),
    )
}

/** Prints what would be built. */
async function plan(input: string | undefined, flags: PlanFlags, usage: UsageError): Promise<void> {
  const { planImage } = await import('../../build/plan-image.ts')
  const description = await loadDescription(input, flags, { usage })
  description.notes.forEach(warn)
  const planned = await withDescription(description, () =>
    planImage(description.spec, {
      resolvePath: (path) => (path === '-' ? path : resolve(description.baseDirectory, path)),
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
    }),
  )
  if (flags.json === undefined) await print(planText(planned))
  else await printJson(planned)
}
