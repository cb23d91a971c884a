import { readSync } from 'node:fs'
import type { ReadContent } from '../../btrfs/write/batch-memory.ts'

/** Reads content of a source that is a file, in whatever thread encodes it. */
export const readContent: ReadContent = ({ descriptor, offset }, target) => {
  for (let done = 0; done < target.length;) {
    const read = readSync(descriptor, target, done, target.length - done, offset + done)
    if (read === 0) {
      const message = `expected ${target.length} bytes at offset ${offset}, found ${done}: the file has changed`
      throw Object.assign(new Error(message), { code: 'EIO' })
    }
    done += read
  }
}
