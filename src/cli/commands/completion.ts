import { Argument, type Command } from 'commander'
import { addExamples, debugOption } from '../arguments.ts'
import { definitionsOf, type ProgramDefinition } from '../definitions.ts'
import { print } from '../print.ts'

const SHELLS: Record<string, () => Promise<(program: ProgramDefinition) => string>> = {
  bash: async () => (await import('../completion/bash.ts')).bashCompletion,
  zsh: async () => (await import('../completion/zsh.ts')).zshCompletion,
  fish: async () => (await import('../completion/fish.ts')).fishCompletion,
}

export function addCompletion(program: Command): void {
  const command = program.command('completion')
  addExamples(command, [
    'source <(diskwright completion bash)',
    'diskwright completion bash > ~/.local/share/bash-completion/completions/diskwright',
    'diskwright completion zsh > "${fpath[1]}/_diskwright"',
    'diskwright completion fish > ~/.config/fish/completions/diskwright.fish',
  ])
  command
    .description('print a script that makes a shell complete this command')
    .addArgument(new Argument('<shell>', 'shell to print it for').choices(Object.keys(SHELLS)))
    .addOption(debugOption())
    .action(async (shell: string) => {
      const format = await SHELLS[shell]()
      await print(format(definitionsOf(program)))
    })
}
