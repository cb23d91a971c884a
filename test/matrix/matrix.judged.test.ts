/**
 * Images with every option of a BTRFS partition and of its disk beside every other, judged by all judges. `npm test` builds a sample in
 * which every single value occurs, `npm run test:matrix` all combinations of cover.ts, with all that the kernel can do.
 */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { arbitrarySources, withoutRefused } from '../images/arbitrary-tree.ts'
import { build, describeImage, inFolder } from '../images/build.ts'
import { judge } from '../images/judge.ts'
import { expectedImage } from '../images/expected-image.ts'
import { STEPS } from '../judges/workload.ts'
import { type Combination, cover } from './cover.ts'
import { describeDisk, describeOptions, isValidDescription, nameOf, OPTIONS } from './options.ts'

const whole = process.env.TEST_MATRIX === '1'
const combinations = await cover(OPTIONS, whole ? 2 : 1, isValidDescription)

/** The same for the same combination, whatever others there are. */
function seedOf(chosen: Combination): number {
  return createHash('sha256').update(nameOf(chosen)).digest().readInt32LE()
}

/** With nodes of 64 KiB the kernel reserves more for the first directory than a small slack leaves. */
function hasNoRoom({ slack, nodeSize }: Combination): boolean {
  return slack === '0' || (slack === '64MiB' && nodeSize === '65536')
}

describe('every option beside every other', () => {
  test.each(combinations.map((chosen, i) => [nameOf(chosen), chosen, i] as const))('%s', (_, chosen, i) =>
    inFolder(async (folder) => {
      const options = describeOptions(chosen)
      const [drawn] = fc.sample(arbitrarySources, { numRuns: 1, seed: seedOf(chosen) })
      const sources = withoutRefused(drawn, options)
      const built = await build(folder, describeDisk(chosen, describeImage(folder, sources, options)))
      await judge(built, expectedImage(sources, options), {
        readers: true,
        exercise: true,
        kernel: {
          // In the sample each step is taken by one image.
          ...(whole
            ? { everything: true, check: {} }
            : { steps: STEPS.filter((_, at) => at % combinations.length === i), balance: false }),
          growFirst: hasNoRoom(chosen),
        },
      })
    }),
  )
})
