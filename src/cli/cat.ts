import type { UsageError } from './description.ts'
import { findPath, parsePlace, partitionOf, withImage } from './place.ts'
import { print } from './print.ts'

/** `diskwright cat`: the content of a file. */
export function cat(path: string, place: string, usage: UsageError): Promise<void> {
  return withImage(path, async (image) => {
    const asked = parsePlace(place)
    const fileSystem = await partitionOf(image, asked, usage).open()
    const { path } = await findPath(fileSystem, asked.path)
    for await (const piece of fileSystem.read(path)) await print(piece)
  })
}
