/** Completion for bash, which needs nothing but bash 4. (bash(1), Programmable Completion) */
import type {
  CommandDefinition,
  OptionDefinition,
  ProgramDefinition,
  ValueDefinition,
} from '../definitions.ts'
import { shellQuoted, wordsOf } from './words.ts'

export function bashCompletion({ name, options, commands }: ProgramDefinition): string {
  const names = [...commands.map((command) => command.name), 'help']
  return `# Completion of ${name} for bash. To use it: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command='' position=0 i
  local kind=text words='' options=''
  # Bash makes words of their own of "=" and what is behind it.
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD - 2]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == -?* ]]; then continue; fi
    if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((++position)); fi
  done
  case "$command" in
    '') words=${shellQuoted(names.join(' '))} options=${shellQuoted(optionWords(options))} ;;
    help) words=${shellQuoted(names.join(' '))} ;;
${commands.map(commandCase).join('')}  esac
  case "$command $previous" in
${commands.flatMap(valueCases).join('')}  esac
  if [[ $current == -* && $kind != value-* ]]; then
    words=$options kind=text
  fi
  case "\${kind#value-}" in
    file) mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2> /dev/null ;;
    directory) mapfile -t COMPREPLY < <(compgen -d -- "$current"); compopt -o filenames 2> /dev/null ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
  esac
}
complete -F _${name} ${name}
`
}

const optionWords = (options: readonly OptionDefinition[]) => options.flatMap(wordsOf).join(' ')

function commandCase({ name, options, arguments: values }: CommandDefinition): string {
  const positions = values.map((value, i) => `        ${i}) ${assignments(value)} ;;\n`).join('')
  const inner = positions === '' ? '' : `\n      case "$position" in\n${positions}      esac`
  return `    ${name})\n      options=${shellQuoted(optionWords(options))}${inner}\n      ;;\n`
}

function valueCases({ name, options }: CommandDefinition): string[] {
  return options.flatMap((option) => {
    if (option.value === undefined) return []
    const patterns = wordsOf(option).map((word) => shellQuoted(`${name} ${word}`))
    return [`    ${patterns.join(' | ')}) ${assignments(option.value, 'value-')} ;;\n`]
  })
}

function assignments({ kind, choices }: ValueDefinition, prefix = ''): string {
  return `kind=${prefix}${kind} words=${shellQuoted(choices.join(' '))}`
}
