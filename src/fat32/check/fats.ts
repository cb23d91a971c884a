/** Checks that the FATs are equal, and their first two entries. */
import { mismatch } from '../../lib/finding.ts'
import { readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { FIRST_CLUSTER } from '../format.ts'
import { fatOffset } from '../geometry.ts'
import { differenceIn, hex, type Check } from './context.ts'

/** Bytes compared at once. */
const STEP = 1 << 20

export function* checkFats({ boot, fat, geometry, activeFats, onFinding }: Check): ReadRoutine<void> {
  const { mask, cleanBit, noErrorBit, bits } = fat.form
  const fault = (entry: number, expected: string, found: string) =>
    onFinding(mismatch({ where: `FAT entry ${entry}`, offset: fat.offsetOf(entry), expected, found }))

  const media = yield* fat.entry(0)
  const expected = (mask & ~0xff) | boot.media
  if (media !== expected) fault(0, `${hex(expected)}, with the media byte`, hex(media))
  const state = yield* fat.entry(1)
  if ((state & cleanBit) !== cleanBit) fault(1, 'a volume that was cleanly unmounted', hex(state))
  if ((state & noErrorBit) !== noErrorBit) fault(1, 'no errors on the disk', hex(state))

  // Bytes after the entry of the last cluster have no meaning.
  const length = Math.ceil(((geometry.clusters + FIRST_CLUSTER) * bits) / 8)
  const [first, ...others] = activeFats
  for (const copy of others) {
    for (let at = 0; at < length; at += STEP) {
      const size = Math.min(STEP, length - at)
      const offset = fatOffset(geometry, copy) + at
      const what = `FAT ${copy + 1}`
      const original = yield* readExactly(fatOffset(geometry, first) + at, size, `FAT ${first + 1}`)
      const different = differenceIn(original, yield* readExactly(offset, size, what))
      if (different < 0) continue
      onFinding(
        mismatch({
          where: what,
          offset: offset + different,
          expected: `what FAT ${first + 1} has`,
          found: 'something else',
        }),
      )
      break
    }
  }
}
