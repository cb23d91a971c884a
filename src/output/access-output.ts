/** Outputs in files that are given: those of a browser. */
import { runAll } from '../lib/clean-up.ts'
import { OutputError } from '../lib/errors.ts'
import type { CreateScratch, RandomAccessFile } from '../lib/random-access.ts'
import { imageCreator, type ImageCreatorOptions } from './create-image.ts'
import type { OpenFile } from './open-file.ts'
import { endingOnce, type Output } from './output.ts'

/**
 * Opens a file as an output; it is empty if the image is not completed.
 *
 * @param name of the file, for messages
 * @param createScratch makes a file for what has to wait until the end
 */
export async function openAccessOutput(
  given: RandomAccessFile,
  name: string,
  { createScratch, ...options }: Omit<ImageCreatorOptions, 'createSpool'> & { createScratch: CreateScratch },
): Promise<Output> {
  const createImage = await imageCreator({
    ...options,
    async createSpool() {
      const scratch = await createScratch()
      return { file: accessFile(scratch, 'temporary file'), close: async () => scratch.close() }
    },
  })
  const file = accessFile(given, name)
  await file.truncate(0)
  const image = await createImage(file)
  const opened = endingOnce(image, {
    async complete(imageSize, lastChance) {
      const bytes = await image.finish(imageSize)
      await file.settle()
      await image.close()
      lastChance()
      return bytes
    },
    async clean() {
      // A write that has failed was reported.
      await file.settle().catch(() => undefined)
      await runAll(
        () => image.close(),
        () => namingFailures(name, 'write', () => given.truncate(0)),
      )
    },
  })
  return { format: options.format, ...opened }
}

/** @throws OutputError from its calls when the file cannot be written or read */
export function accessFile(file: RandomAccessFile, name: string): OpenFile {
  let last: Promise<void> = Promise.resolve()
  const self: OpenFile = {
    start(position, bytes) {
      const before = last
      last = before.then(() => namingFailures(name, 'write', () => writeAll(file, position, bytes)))
      // The next call reports a failure.
      last.catch(() => undefined)
      return before
    },
    idle: () => last,
    settle: () => last,
    async write(position, bytes) {
      await self.start(position, [bytes])
      await last
    },
    async read(position, length) {
      await last
      const bytes = new Uint8Array(length)
      await namingFailures(name, 'read', () => file.read(bytes, { at: position }))
      return bytes
    },
    async truncate(size) {
      await last
      await namingFailures(name, 'write', () => file.truncate(size))
    },
  }
  return self
}

async function writeAll(
  file: RandomAccessFile,
  position: number,
  bytes: readonly Uint8Array[],
): Promise<void> {
  let at = position
  for (const piece of bytes) {
    for (let done = 0; done < piece.length;) {
      const written = await file.write(piece.subarray(done), { at })
      if (written === 0) throw new Error('no space left')
      done += written
      at += written
    }
  }
}

async function namingFailures<T>(
  name: string,
  what: 'read' | 'write',
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new OutputError(`${name}: cannot ${what}: ${(error as Error).message}`, { cause: error })
  }
}
