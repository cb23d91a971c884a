import type { Command } from 'commander'
import { debugOption, addExamples, IMAGE, PLACE } from '../arguments.ts'
import type { UsageError } from '../preset-options.ts'
import { findPath, parsePlace, partitionOf, withImage } from '../place.ts'
import { print } from '../print.ts'

export function addCat(program: Command): void {
  addExamples(program.command('cat'), ['diskwright cat disk.img.zst 2:/@/etc/hostname'])
    .description('print the content of a file')
    .argument('<image>', IMAGE)
    .argument('<place>', PLACE)
    .addOption(debugOption())
    .action((image: string, place: string, _: object, command: Command) =>
      cat(image, place, (message) => command.error(message)),
    )
}

/** Prints the content of a file. */
function cat(path: string, place: string, usage: UsageError): Promise<void> {
  return withImage(path, async (image) => {
    const asked = parsePlace(place)
    const fileSystem = await partitionOf(image, asked, usage).open()
    const { path } = await findPath(fileSystem, asked.path)
    for await (const piece of fileSystem.read(path)) await print(piece)
  })
}
