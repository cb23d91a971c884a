import { resolve } from 'node:path'
import { planImage } from '../build/plan-image.ts'
import {
  type DescriptionFlags,
  type UsageError,
  checkDescriptionFlags,
  loadDescription,
  withDescription,
} from './description.ts'
import { planText, planToJson } from './plan-report.ts'
import { print, printJson } from './print.ts'

export interface PlanFlags extends DescriptionFlags {
  json?: true
}

/** `diskwright plan`: what would be built, or the description of a preset. */
export async function plan(spec: string | undefined, flags: PlanFlags, usage: UsageError): Promise<void> {
  checkDescriptionFlags(spec, flags, usage)
  const description = await loadDescription(spec, flags)
  const planned = await withDescription(description, () =>
    planImage(description.spec, {
      resolvePath: (path) => (path === '-' ? path : resolve(description.baseDirectory, path)),
      sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
    }),
  )
  if (flags.json === undefined) await print(planText(planned))
  else await printJson(flags.preset === undefined ? planToJson(planned) : description.spec)
}
