import type { Command } from 'commander'
import { resolve } from 'node:path'
import { debugOption, examples } from '../arguments.ts'
import {
  addDescriptionOptions,
  DESCRIPTION,
  type DescriptionFlags,
  type UsageError,
  checkDescriptionFlags,
  loadDescription,
  withDescription,
} from '../description.ts'
import { planText } from '../plan-report.ts'
import { print, printJson } from '../print.ts'

interface PlanFlags extends DescriptionFlags {
  json?: true
}

export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .description('show what a build would make: partitions, subvolumes, UUIDs')
    .argument('[spec]', DESCRIPTION)
  addDescriptionOptions(command)
    .option('--json', 'print the plan as JSON; with --preset the description, ready to edit')
    .addOption(debugOption())
    .addHelpText(
      'after',
      examples('diskwright plan image.json', 'diskwright plan --preset raspberry-pi --json > image.json'),
    )
    .action((spec: string | undefined, flags: PlanFlags, command: Command) =>
      plan(spec, flags, (message) => command.error(message)),
    )
}

/** Prints what would be built, or the description of a preset. */
async function plan(spec: string | undefined, flags: PlanFlags, usage: UsageError): Promise<void> {
  checkDescriptionFlags(spec, flags, usage)
  const { planImage } = await import('../../build/plan-image.ts')
  const description = await loadDescription(spec, flags)
  const planned = await withDescription(description, () =>
    planImage(description.spec, {
      resolvePath: (path) => (path === '-' ? path : resolve(description.baseDirectory, path)),
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
    }),
  )
  if (flags.json === undefined) await print(planText(planned))
  else await printJson(flags.preset === undefined ? planned : description.spec)
}
