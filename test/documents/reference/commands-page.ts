/** docs/reference/commands.md, from the definitions that `--help` and the manual pages are made from. */
import type {
  ArgumentDefinition,
  CommandDefinition,
  OptionDefinition,
  ProgramDefinition,
} from '../../../src/cli/definitions.ts'
import { ENVIRONMENT, EXIT_CODES } from '../../../src/cli/man-page.ts'

const HEAD = `# Commands

<!-- Made from the definitions of the command: RECORD_REFERENCE=1 npx vitest run test/documents/reference.test.ts -->

Every command and every option, as \`diskwright help COMMAND\` prints them. \`diskwright man COMMAND | man -l -\` shows the same as a
manual page, and \`diskwright completion bash\`, \`zsh\` or \`fish\` prints a completion script:
\`source <(diskwright completion bash)\`.
[Building an image](../how-to/build-an-image.md) and [Reading an image](../how-to/read-an-image.md) explain how the options work
together.
`

export function commandsPage(program: ProgramDefinition): string {
  return [
    HEAD,
    ...program.commands.map((command) => commandText(program.name, command)),
    `## Environment\n\n${table(
      ['variable', 'meaning'],
      ENVIRONMENT.map(([name, meaning]) => [`\`${name}\``, escaped(meaning)]),
    )}`,
    `## Exit codes\n\n${table(['code', 'meaning'], exitRows(program))}`,
  ].join('\n')
}

function commandText(
  program: string,
  { name, description, options, arguments: values, examples }: CommandDefinition,
): string {
  const usage = [
    program,
    name,
    ...values.map(({ name, isRequired }) => (isRequired ? name.toUpperCase() : `[${name.toUpperCase()}]`)),
    '[OPTIONS]',
  ]
  const parts = [`## ${name}`, sentence(description), `\`\`\`text\n${usage.join(' ')}\n\`\`\``]
  if (values.length > 0) parts.push(table(['argument', 'meaning'], values.map(argumentRow)).trimEnd())
  parts.push(table(['option', 'meaning'], options.map(optionRow)).trimEnd())
  if (examples.length > 0) parts.push(`\`\`\`text\n${examples.join('\n')}\n\`\`\``)
  return `${parts.join('\n\n')}\n`
}

const argumentRow = ({ name, description, choices }: ArgumentDefinition) => [
  `\`${name.toUpperCase()}\``,
  meaningOf(description, choices),
]

function optionRow({ short, long, value, description }: OptionDefinition): string[] {
  const shown = value === undefined ? '' : ` ${value.name.toUpperCase()}`
  const names = [short, long + shown].filter((name) => name !== undefined).map((name) => `\`${name}\``)
  return [names.join(', '), meaningOf(description, value?.choices ?? [])]
}

/** What commands say of their own exit codes comes after what holds for all. */
function exitRows({ name, commands }: ProgramDefinition): string[][] {
  return [
    ...EXIT_CODES.map(([code, meaning]) => [code, escaped(meaning)]),
    ...commands
      .filter(({ exitCodes }) => exitCodes !== undefined)
      .map((command) => [`of \`${name} ${command.name}\``, escaped(sentence(command.exitCodes!))]),
  ]
}

const meaningOf = (description: string, choices: readonly string[]) =>
  escaped(sentence(description)) +
  (choices.length === 0 ? '' : ` One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`)

/** With a capital letter and a period. */
function sentence(text: string): string {
  const first = text.replace(/^[a-z](?=[a-z-]* )/, (letter) => letter.toUpperCase())
  return first.endsWith('.') ? first : `${first}.`
}

const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}
