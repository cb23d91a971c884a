import type { Command } from 'commander'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { SCHEMA_ID } from '../../spec/schema/schema-id.ts'
import { debugOption, addExamples } from '../arguments.ts'
import { descriptionText } from '../description-output.ts'
import { INPUT, loadDescription } from '../description.ts'
import { warn } from '../place.ts'
import { CommandError } from '../exit.ts'
import { addDescriptionOptions, type DescriptionFlags, type UsageError } from '../preset-options.ts'
import { print } from '../print.ts'
import { writeNewFile } from '../new-file.ts'

interface InitFlags extends DescriptionFlags {
  output: string
  force?: true
}

export function addInit(program: Command): void {
  const command = addExamples(program.command('init'), [
    'diskwright init rootfs.tar',
    'diskwright init rootfs.tar --preset uefi -o image.yaml',
    'diskwright init --preset raspberry-pi -o pi.yaml',
  ])
    .description('write the description that a build of content would use, for editing')
    .argument('[input]', INPUT)
    .option('-o, --output <file>', 'file to write: .json, .yaml; - for standard output', 'image.json')
  addDescriptionOptions(command)
    .option('--force', 'replace an existing file')
    .addOption(debugOption())
    .action((input: string | undefined, flags: InitFlags, command: Command) =>
      init(input, flags, (message) => command.error(message)),
    )
}

/** Writes a description, in which relative paths are relative to its directory. */
async function init(input: string | undefined, flags: InitFlags, usage: UsageError): Promise<void> {
  const { output, force = false, ...preset } = flags
  const isStandard = output === '-'
  const folder = isStandard ? process.cwd() : dirname(resolve(output))
  const mapPath = (path: string) => (isAbsolute(path) ? path : relative(folder, resolve(path)) || '.')
  const { name, spec, notes } = await loadDescription(input, preset, { usage, mapPath })
  if (name !== undefined) throw new CommandError([`${name} is a description already`])
  notes.forEach(warn)
  const text = await descriptionText({ $schema: SCHEMA_ID, ...spec }, /\.ya?ml$/i.test(output), notes)
  if (isStandard) return print(text)
  await writeNewFile(output, text, force)
  await print(`${output}: written; to build it, run diskwright build ${output} -o disk.img\n`)
}
