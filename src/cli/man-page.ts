/** Manual pages in the language of man(7), from the definitions of the commands. */
import type {
  ArgumentDefinition,
  CommandDefinition,
  OptionDefinition,
  ProgramDefinition,
} from './definitions.ts'

export const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'Success.'],
  ['1', 'Failure, with one line for each error on standard error.'],
  ['2', 'Wrong usage.'],
  ['130, 143', 'Interrupted by SIGINT or SIGTERM.'],
  ['141', 'The reader of standard output has closed it.'],
]

export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['SOURCE_DATE_EPOCH', 'Seconds since 1970: the time of all that has none in its source.'],
  ['NO_COLOR', 'If it is set and not empty, the output has no colours.'],
]

/** The page of the program. */
export function programPage(program: ProgramDefinition): string {
  const { name, description, commands, options } = program
  return page(program, name, [
    ['NAME', `${text(name)} \\- ${text(phrase(description))}`],
    ['SYNOPSIS', `.B ${text(name)}\n.I command\n.RI [ arguments ]\n.RI [ options ]`],
    ['DESCRIPTION', sentence(text(description))],
    [
      'COMMANDS',
      commands
        .map((command) => item(`.BR ${text(`${name}-${command.name}`)} (1)`, command.description))
        .join('\n'),
    ],
    ['OPTIONS', options.map(optionItem).join('\n')],
    ['ENVIRONMENT', ENVIRONMENT.map(([key, meaning]) => item(`.B ${text(key)}`, meaning)).join('\n')],
    ['EXIT STATUS', EXIT_CODES.map(([code, meaning]) => item(`.B ${text(code)}`, meaning)).join('\n')],
    ['EXAMPLES', examplesText(commands.flatMap(({ examples }) => examples.slice(0, 1)))],
  ])
}

/** The page of a command. */
export function commandPage(program: ProgramDefinition, command: CommandDefinition): string {
  const { name } = program
  const { description, options, arguments: values, examples, exitCodes } = command
  const title = `${name}-${command.name}`
  const shown = values.map(({ name, isRequired }) =>
    isRequired ? `.I ${text(name)}` : `.RI [ ${text(name)} ]`,
  )
  return page(program, title, [
    ['NAME', `${text(title)} \\- ${text(phrase(description))}`],
    ['SYNOPSIS', [`.B ${text(`${name} ${command.name}`)}`, ...shown, '.RI [ options ]'].join('\n')],
    ['DESCRIPTION', sentence(text(description))],
    ...(values.length === 0 ? [] : [['ARGUMENTS', values.map(argumentItem).join('\n')] as const]),
    ['OPTIONS', options.map(optionItem).join('\n')],
    ['EXIT STATUS', exitCodes === undefined ? `See\n.BR ${text(name)} (1).` : sentence(text(exitCodes))],
    ['EXAMPLES', examplesText(examples)],
    ['SEE ALSO', `.BR ${text(name)} (1)`],
  ])
}

function page(
  { name, version }: ProgramDefinition,
  title: string,
  sections: readonly (readonly [string, string])[],
): string {
  const head = `.TH ${text(title.toUpperCase())} 1 "" "${text(`${name} ${version}`)}" "User Commands"`
  const lines = [head, ...sections.map(([heading, body]) => `.SH ${heading}\n${body}`)].join('\n').split('\n')
  return `${lines.flatMap(wrapped).join('\n')}\n`
}

/** troff fills lines of text anyway; the lines of examples are shorter than this. */
const MAX_LINE = 80

/** Splits a line of text into several; requests stay as they are. */
function wrapped(line: string): string[] {
  if (line.startsWith('.') || line.length <= MAX_LINE) return [line]
  const lines = ['']
  for (const word of line.split(' ')) {
    const last = lines.at(-1)!
    if (last !== '' && last.length + 1 + word.length > MAX_LINE) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  // At the start of a line, a period or an apostrophe begins a request.
  return lines.map((one) => one.replace(/^[.']/, '\\&$&'))
}

const item = (head: string, body: string) => `.TP\n${head}\n${sentence(text(body))}`

function optionItem({ short, long, value, description }: OptionDefinition): string {
  const names = [short, long].filter((name) => name !== undefined).map((name) => `\\fB${text(name)}\\fR`)
  const choices =
    value === undefined || value.choices.length === 0 ? '' : ` One of: ${value.choices.join(', ')}.`
  const shown = value === undefined ? '' : ` \\fI${text(value.name)}\\fR`
  return `.TP\n${names.join(', ')}${shown}\n${sentence(text(description))}${text(choices)}`
}

function argumentItem({ name, choices, description }: ArgumentDefinition): string {
  const list = choices.length === 0 ? '' : ` One of: ${choices.join(', ')}.`
  return `.TP\n.I ${text(name)}\n${sentence(text(description))}${text(list)}`
}

function examplesText(examples: readonly string[]): string {
  return `.EX\n${examples.map((line) => text(line)).join('\n')}\n.EE`
}

/** A description for a heading: without a period. */
const phrase = (description: string) => description.replace(/\.$/, '')

/** A description as a sentence, with a capital letter and a period. */
function sentence(description: string): string {
  const first = description.replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase())
  return /[.)]$/.test(first) && !first.endsWith(')') ? first : `${first}.`
}

/** Escapes text for troff: hyphens become minus signs, which can be copied, and no line is a request. */
function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./, '\\&.')
}
