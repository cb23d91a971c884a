import { faultOf, type OnFault } from '../lib/fault.ts'
import type { Reading } from '../lib/reading.ts'
import { openFat } from './read.ts'

/** Looks for all that is wrong with a FAT volume. */
export function* checkFat(onFault: OnFault): Reading<void> {
  try {
    const reader = yield* openFat({ onFault })
    const open = [reader.root]
    for (let next = open.pop(); next; next = open.pop()) {
      for (const entry of yield* reader.list(next)) {
        if (entry.type === 'directory') open.push(entry)
        else yield* reader.read(entry, 0, Infinity)
      }
    }
  } catch (error) {
    onFault(faultOf(error))
  }
}
