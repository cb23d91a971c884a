import { withCountedContent } from './counted-content.ts'
import type { SourceOpener } from './opener.ts'
import type { ZenfsSourcePlan } from '../../spec/sources/zenfs.ts'
import { readZenfs } from '../zenfs.ts'

export const zenfsOpener: SourceOpener<ZenfsSourcePlan> = {
  nameOf: ({ name }) => name,
  open: ({ zenfs, root, name }, context) =>
    withCountedContent(readZenfs(zenfs, { root, source: name, leavesOut: context.leavesOut }), context),
  inputs: () => [],
}
