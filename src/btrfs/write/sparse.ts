/** The stored sectors of files with holes. */
import {
  contentLength,
  wholeContent,
  type DataRange,
  type FileContent,
} from '../../file-tree/file-content.ts'
import { alignUp } from './chunks.ts'
import { SECTOR_SIZE } from '../format.ts'

/** The stored part of a file: runs of whole sectors (the last may end with the file), and their bytes. */
export interface StoredRuns {
  runs: readonly DataRange[]
  /** One run after the other. */
  content: AsyncIterable<Uint8Array>
}

/** Everything but whole sectors of holes; partial ones are filled with zeros. */
export function storedContent({ size, content, ranges }: FileContent): StoredRuns {
  if (ranges === undefined) return { runs: [{ offset: 0, length: size }], content }
  const runs: DataRange[] = []
  /** The ranges as offsets in the concatenated runs. */
  const inRuns: DataRange[] = []
  let skipped = 0
  let end = 0
  for (const { offset, length } of ranges) {
    const from = offset - (offset % SECTOR_SIZE)
    const to = Math.min(alignUp(offset + length, SECTOR_SIZE), size)
    const run = runs.at(-1)
    if (run === undefined || from > end) {
      skipped += from - end
      runs.push({ offset: from, length: to - from })
    } else run.length = to - run.offset
    end = to
    inRuns.push({ offset: offset - skipped, length })
  }
  return {
    runs,
    content: wholeContent({ size: contentLength({ size, ranges: runs }), content, ranges: inRuns }),
  }
}
