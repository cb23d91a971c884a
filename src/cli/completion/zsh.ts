/** Completion for zsh, with the functions of its completion system. (zshcompsys(1)) */
import type {
  CommandDefinition,
  OptionDefinition,
  ProgramDefinition,
  ValueDefinition,
} from '../definitions.ts'
import { shellQuoted, wordsOf } from './words.ts'

export function zshCompletion({ name, options, commands }: ProgramDefinition): string {
  const described = commands.map((command) => shellQuoted(`${command.name}:${escaped(command.description)}`))
  const list = [...described, shellQuoted('help:show the help of a command')]
  return `#compdef ${name}
# Completion of ${name} for zsh. To use it: ${name} completion zsh > "\${fpath[1]}/_${name}"
_${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${list.map((word) => `    ${word}\n`).join('')}  )
  _arguments -C ${options.map(specOf).join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $line[1] in
        help) _describe -t commands command commands ;;
${commands.map(commandCase).join('')}      esac
      ;;
  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`
}

function commandCase({ name, options, arguments: values }: CommandDefinition): string {
  const words = [
    ...options.map(specOf),
    ...values.map((value, i) => shellQuoted(`${i + 1}${value.isRequired ? '' : ':'}:${actionOf(value)}`)),
  ]
  const lines = words.map((word) => ` \\\n            ${word}`).join('')
  return `        ${name})\n          _arguments -s${lines}\n          ;;\n`
}

/** `'(-o --output)'{-o+,--output=}'[image to write]:file:_files'` */
function specOf(option: OptionDefinition): string {
  const words = wordsOf(option)
  const { value, long, short } = option
  const rest = `[${escaped(option.description)}]${value === undefined ? '' : `:${actionOf(value)}`}`
  const [plus, equals] = value === undefined ? ['', ''] : ['+', '=']
  if (short === undefined) return shellQuoted(`${long}${equals}${rest}`)
  return `${shellQuoted(`(${words.join(' ')})`)}{${short}${plus},${long}${equals}}${shellQuoted(rest)}`
}

/** The message and the action of a value. */
function actionOf({ name, kind, choices }: ValueDefinition): string {
  if (choices.length > 0) return `${name}:(${choices.join(' ')})`
  return `${name}:${{ file: '_files', directory: '_files -/', text: '' }[kind] || ' '}`
}

/** Escapes characters that have a meaning in a specification. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}
