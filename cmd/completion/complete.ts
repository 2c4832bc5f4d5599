import type { Command, Option } from 'commander'

interface Candidate {
  readonly word: string
  readonly about: string
}
interface Answer {
  readonly candidates: readonly Candidate[]
  /** Whether names of files fit too. */
  readonly files: boolean
}

/** What fits where the cursor stands: a line for each, its description behind a tab; then cobra's directive, `:0` for files, `:4` for none. */
export function complete(program: Command, words: readonly string[]): string {
  const { candidates, files } = answer(program, words.slice(0, -1), words.at(-1) ?? '')
  const lines = candidates.map(({ word, about }) => (about === '' ? word : `${word}\t${about.replaceAll(/\s+/g, ' ')}`))
  return `${[...lines, files ? ':0' : ':4'].join('\n')}\n`
}

function answer(program: Command, before: readonly string[], current: string): Answer {
  // Bash takes `--kind=x` apart into three words, and wants the last of them only.
  const equals = current === '=' ? before.length : before.at(-1) === '=' ? before.length - 1 : -1
  if (equals > 0) {
    const { command } = walk(program, before.slice(0, equals - 1))
    const option = findOption(command, before[equals - 1] ?? '')
    return valuesOf(option, current === '=' ? '' : current, '')
  }
  const { command, pending, operands } = walk(program, before)
  if (pending) return valuesOf(pending, current, '')
  const [, flag, start = ''] = /^(--[^=]+)=(.*)$/s.exec(current) ?? []
  if (flag !== undefined) return valuesOf(findOption(command, flag), start, `${flag}=`)
  if (current.startsWith('-')) return { candidates: starting(flagsOf(command), current), files: false }
  const commands = operands === 0 ? commandsOf(command) : []
  const choices = command.registeredArguments[operands]?.argChoices ?? []
  const candidates = [...commands, ...choices.map((word) => ({ word, about: '' }))]
  const takesFiles = candidates.length === 0 && command.registeredArguments.length > 0
  return { candidates: starting(candidates, current), files: takesFiles }
}

interface Walked {
  readonly command: Command
  /** An option that waits for its value. */
  readonly pending: Option | undefined
  readonly operands: number
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program
  let pending: Option | undefined
  let operands = 0
  for (const word of words) {
    if (pending) {
      // The `=` of bash, then the value.
      if (word !== '=') pending = undefined
    } else if (word.startsWith('-')) {
      const option = word.includes('=') ? undefined : findOption(command, word)
      pending = option?.required ? option : undefined
    } else {
      const next =
        operands === 0 ? command.commands.find((one) => one.name() === word || one.aliases().includes(word)) : undefined
      if (next) command = next
      else operands++
    }
  }
  return { command, pending, operands }
}

function findOption(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => long === flag || short === flag)
}

function valuesOf(option: Option | undefined, start: string, prefix: string): Answer {
  const choices = option?.argChoices
  if (choices === undefined) return { candidates: [], files: option !== undefined }
  const candidates = choices.map((word) => ({ word: `${prefix}${word}`, about: '' }))
  return { candidates: starting(candidates, `${prefix}${start}`), files: false }
}

function flagsOf(command: Command): readonly Candidate[] {
  const help = command.createHelp()
  return help.visibleOptions(command).flatMap(({ long, short, description }) => {
    const word = long ?? short
    return word === undefined ? [] : [{ word, about: description }]
  })
}

function commandsOf(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ word: one.name(), about: one.description() }))
}

function starting(candidates: readonly Candidate[], start: string): readonly Candidate[] {
  return candidates.filter(({ word }) => word.startsWith(start))
}
