/** Completion for fish. (complete(1) of fish) */
import type {
  CommandDefinition,
  OptionDefinition,
  ProgramDefinition,
  ValueDefinition,
} from '../definitions.ts'

export function fishCompletion({ name, options, commands }: ProgramDefinition): string {
  const complete = (...words: readonly string[]) => `complete -c ${name} ${words.join(' ')}\n`
  const first = '-n __fish_use_subcommand'
  const names = [...commands.map((command) => command.name), 'help']
  return [
    `# Completion of ${name} for fish. To use it: ${name} completion fish > ~/.config/fish/completions/${name}.fish\n`,
    complete('-f'),
    ...options.map((option) => complete(first, ...optionWords(option))),
    ...commands.map((command) => complete(first, '-a', command.name, '-d', fishQuoted(command.description))),
    complete(first, '-a', 'help', '-d', fishQuoted('show the help of a command')),
    complete('-n', fishQuoted('__fish_seen_subcommand_from help'), '-a', fishQuoted(names.join(' '))),
    ...commands.flatMap((command) => commandLines(command, complete)),
  ].join('')
}

function commandLines(
  { name, options, arguments: values }: CommandDefinition,
  complete: (...words: readonly string[]) => string,
): string[] {
  const inside = `-n ${fishQuoted(`__fish_seen_subcommand_from ${name}`)}`
  return [
    ...values.flatMap((value) => {
      const words = valueWords(value)
      return words.length === 0 ? [] : [complete(inside, ...words)]
    }),
    ...options.map((option) => complete(inside, ...optionWords(option))),
  ]
}

function optionWords({ short, long, value, description }: OptionDefinition): string[] {
  return [
    ...(short === undefined ? [] : ['-s', short.slice(1)]),
    ...['-l', long.slice(2)],
    ...(value === undefined
      ? []
      : [value.kind === 'file' && value.choices.length === 0 ? '-r' : '-x', ...valueWords(value)]),
    ...['-d', fishQuoted(description)],
  ]
}

function valueWords({ kind, choices }: ValueDefinition): string[] {
  if (choices.length > 0) return ['-a', fishQuoted(choices.join(' '))]
  if (kind === 'directory') return ['-a', fishQuoted('(__fish_complete_directories)')]
  return kind === 'file' ? ['-F'] : []
}

function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
