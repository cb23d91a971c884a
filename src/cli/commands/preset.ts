import type { Command } from 'commander'
import { PRESET_TEXTS, type PresetName } from '../../spec/presets.ts'
import { Argument } from 'commander'
import { debugOption, addExamples } from '../arguments.ts'
import { loadDescription } from '../description.ts'
import {
  addPresetOptions,
  optionsOfPreset,
  PRESET_NAMES,
  type DescriptionFlags,
  type UsageError,
} from '../preset-options.ts'
import { print, printJson } from '../print.ts'
import { columns } from '../units.ts'

interface PresetFlags extends DescriptionFlags {
  print?: true
}

export function addPreset(program: Command): void {
  const command = addExamples(program.command('preset'), [
    'diskwright preset uefi',
    'diskwright preset raspberry-pi --print > image.json',
    'diskwright preset a-b --print --closure a.tar --linux --slot-size 2GiB > image.json',
  ])
    .description('list the built-in descriptions, or show one')
    .addArgument(new Argument('[name]', 'the preset to show').choices(PRESET_NAMES))
    .option('--print', 'print the description as JSON')
  addPresetOptions(command)
    .addOption(debugOption())
    .action((name: PresetName | undefined, flags: PresetFlags, command: Command) =>
      preset(name, flags, (message) => command.error(message)),
    )
}

/** Lists the presets, or prints one. */
async function preset(name: PresetName | undefined, flags: PresetFlags, usage: UsageError): Promise<void> {
  if (name === undefined) {
    if (flags.print) usage(`--print needs the name of a preset: ${PRESET_NAMES.join(', ')}`)
    await print(`${columns(PRESET_NAMES.map((name) => [name, PRESET_TEXTS[name]]))}\n`)
    return
  }
  const { spec } = await loadDescription(undefined, { ...flags, preset: name }, { usage })
  if (flags.print) await printJson(spec)
  else await print(`${name}: ${PRESET_TEXTS[name]}\nOptions: ${optionsOfPreset(name).join(', ')}\n`)
}
