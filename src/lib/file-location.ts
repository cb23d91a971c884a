/** Bytes of open files, which any thread of this process can read. */
import { nodeModule } from './node-module.ts'

/** A place in an open file. */
export interface FileLocation {
  /** The number of the open file in this process, in all of its threads. */
  descriptor: number
  /** Bytes from the start of the file. */
  offset: number
}

/**
 * Reads from an open file until `target` is full.
 *
 * @throws Error with a `code` when the file cannot be read, or ends before
 */
export type ReadLocated = (location: FileLocation, target: Uint8Array) => void

/** The part of node:fs used here. */
interface FileSystemModule {
  readSync(descriptor: number, target: Uint8Array, at: number, length: number, position: number): number
}

/** Undefined where there are no files: in a browser. */
export async function loadReadLocated(): Promise<ReadLocated | undefined> {
  const fs = await nodeModule<FileSystemModule>('node:fs')
  if (fs === undefined) return undefined
  return ({ descriptor, offset }, target) => {
    for (let done = 0; done < target.length;) {
      const read = fs.readSync(descriptor, target, done, target.length - done, offset + done)
      if (read === 0) {
        const message = `expected ${target.length} bytes at offset ${offset}, found ${done}: the file has changed`
        throw Object.assign(new Error(message), { code: 'EIO' })
      }
      done += read
    }
  }
}
