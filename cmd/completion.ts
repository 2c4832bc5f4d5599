/** `completion SHELL`: a script that completes commands and flags. As cobra's, it asks `vigil __complete` at each key, so it never grows stale. */
import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { complete } from './completion/complete.ts'
import { scripts } from './completion/scripts.ts'

const howTo: Readonly<Record<string, string>> = {
  bash: 'source <(NAME completion bash), or write it to /etc/bash_completion.d/NAME',
  zsh: 'NAME completion zsh > "${fpath[1]}/_NAME"',
  fish: 'NAME completion fish > ~/.config/fish/completions/NAME.fish',
  powershell: 'NAME completion powershell | Out-String | Invoke-Expression',
}

export function register(program: Command, { stdout }: CommandContext): void {
  const name = program.name()
  const completion = program
    .command('completion')
    .description('Generate the autocompletion script for the specified shell')
  for (const [shell, script] of Object.entries(scripts)) {
    completion
      .command(shell)
      .description(`Generate the autocompletion script for ${shell}`)
      .addHelpText('after', `\nUse it: ${(howTo[shell] ?? '').replaceAll('NAME', name)}`)
      .action(() => void stdout.write(script(name)))
  }
  program
    .command('__complete', { hidden: true })
    .argument('[words...]', 'what stands on the command line after the name of the program, up to the cursor')
    .option('--new-word', 'the cursor stands behind a blank, for shells that pass no empty argument')
    .action((words: readonly string[], { newWord }: { newWord?: true }) => {
      stdout.write(complete(program, newWord ? [...words, ''] : words))
    })
}
