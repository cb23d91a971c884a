/** Arguments and options of the commands, for shell completion and manual pages: the same definitions as for `--help`. */
import type { Argument, Command, Option } from 'commander'
import { closingOf, type HelpClosing } from './arguments.ts'

/** The kind of a value, as far as a shell can complete it. */
export type ValueKind = 'file' | 'directory' | 'text'

export interface ValueDefinition {
  name: string
  kind: ValueKind
  choices: readonly string[]
}

export interface OptionDefinition {
  /** `-o` */
  short: string | undefined
  /** `--output` */
  long: string
  /** Undefined: the option is a switch. */
  value: ValueDefinition | undefined
  description: string
}

export interface ArgumentDefinition extends ValueDefinition {
  isRequired: boolean
  description: string
}

export interface CommandDefinition extends HelpClosing {
  name: string
  description: string
  arguments: readonly ArgumentDefinition[]
  options: readonly OptionDefinition[]
}

export interface ProgramDefinition {
  name: string
  description: string
  version: string
  options: readonly OptionDefinition[]
  commands: readonly CommandDefinition[]
}

const FILES = ['file', 'tar', 'image', 'input', 'a', 'b', 'path']
const DIRECTORIES = ['dir']

/** The definitions of a program and its commands, in the order of the help. */
export function definitionsOf(program: Command): ProgramDefinition {
  const { visibleCommands, visibleOptions } = helpOf(program)
  return {
    name: program.name(),
    description: program.description(),
    version: program.version()!,
    options: visibleOptions.map(optionDefinition),
    commands: visibleCommands.map((command) => ({
      ...closingOf(command),
      name: command.name(),
      description: command.description(),
      arguments: command.registeredArguments.map(argumentDefinition),
      options: helpOf(command).visibleOptions.map(optionDefinition),
    })),
  }
}

function helpOf(command: Command) {
  const help = command.createHelp()
  return {
    visibleCommands: help.visibleCommands(command).filter((one) => one.name() !== 'help'),
    visibleOptions: help.visibleOptions(command),
  }
}

function optionDefinition(option: Option): OptionDefinition {
  const { short, long, flags, description, argChoices = [] } = option
  const name = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1]
  return {
    short,
    long: long!,
    value: name === undefined ? undefined : { ...valueOf(name), choices: argChoices },
    description: withDefault(description, option.defaultValue),
  }
}

function argumentDefinition(argument: Argument): ArgumentDefinition {
  const { required, description, argChoices = [] } = argument
  return { ...valueOf(argument.name()), choices: argChoices, isRequired: required, description }
}

function valueOf(name: string): Pick<ValueDefinition, 'name' | 'kind'> {
  if (FILES.includes(name)) return { name, kind: 'file' }
  return { name, kind: DIRECTORIES.includes(name) ? 'directory' : 'text' }
}

const withDefault = (description: string, value: unknown) =>
  typeof value === 'string' ? `${description} (default: ${value})` : description
