/** What every command gets from `main.ts`, the flags that several share, and how the command line ends: upstream's words and exit codes. */
import { type Command, CommanderError } from 'commander'
import { type Catalog, type Config, ConfigError } from '../pipeline/config/config.ts'
import { decodeConfig } from '../pipeline/config/decode.ts'
import { type FeatureGates, parseFeatureGates } from '../pipeline/config/feature-gates.ts'
import { loadConfig } from '../pipeline/config/load.ts'
import { type PluginReference, pluginReferences } from '../pipeline/config/plugin-references.ts'
import { suggest } from '../pipeline/config/suggest.ts'
import { errorMessage } from '../pipeline/error-message.ts'
import type { BuildInfo } from '../pipeline/telemetry/engine-view.ts'

export interface Output {
  write(text: string): unknown
}
export interface CommandContext {
  readonly build: BuildInfo
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** `references` are those of a configuration that was read from `files`. */
  catalog(
    pluginPaths: readonly string[],
    references?: readonly PluginReference[],
    files?: readonly string[],
  ): Promise<Catalog>
  /** Builds the graph of a config and starts nothing. Throws `ConfigError`. */
  checkGraph(config: Config): void | Promise<void>
}

export interface ConfigFlags {
  readonly config: readonly string[]
  readonly set: readonly string[]
  readonly featureGates: readonly string[]
  readonly plugin: readonly string[]
}

/** `--config`, `--set`, `--feature-gates` and `--plugin`, each as often as one likes. */
export function withConfigFlags(command: Command): Command {
  const many = (value: string, before: readonly string[]) => [...before, value]
  return command
    .option('--config <uri>', 'where a configuration is: a file, or file:, env:, yaml:, http:, https:', many, [])
    .option('--set <key=value>', 'one property, over all of --config: --set=processors.batch.timeout=2s', many, [])
    .option('--feature-gates <list>', 'feature gates by comma; -gate disables', many, [])
    .option('--plugin <file>', 'a file or a package vigil-plugin-... that brings components of your own', many, [])
}

export interface DecodedFlags {
  readonly config: Config
  readonly gates: FeatureGates
}

/** `isChecked: false` decodes, but lets what is only wrong in meaning pass. */
export async function decodeFlags(
  flags: ConfigFlags,
  context: CommandContext,
  isChecked = true,
): Promise<DecodedFlags> {
  const gates = parseFeatureGates(flags.featureGates)
  const tree = await loadConfig({ uris: flags.config, sets: flags.set, env: context.env, gates })
  const catalog = await context.catalog(flags.plugin, pluginReferences(tree.root), tree.files)
  return { config: await decodeConfig(tree, catalog, { gates, isChecked }), gates }
}

/** Runs the command line and gives its exit code. `argv` is without node and script. */
export async function execute(
  program: Command,
  argv: readonly string[],
  { stdout, stderr }: CommandContext,
): Promise<number> {
  const quiet = { writeErr: () => {}, writeOut: (text: string) => void stdout.write(text) }
  for (const command of allCommands(program)) command.exitOverride().configureOutput(quiet)
  // The program runs without a command, so that a word it does not know would be one argument too many.
  program.allowExcessArguments().hook('preAction', (_, { args }) => refuseUnknownCommand(args, program))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    stderr.write(`Error: ${errorText(error, program)}\n`)
    return 1
  }
}

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

function refuseUnknownCommand([word]: readonly string[], program: Command): void {
  // `args` is also what an action of a command itself got.
  if (word === undefined || program.args[0] !== word || program.commands.some((one) => one.name() === word)) return
  const near = suggest(
    word,
    program.commands.map((one) => one.name()),
  )
  throw new Error(unknownCommand(word, near, program))
}

function unknownCommand(word: string, near: string | undefined, program: Command): string {
  const hint = near === undefined ? '' : `\n\nDid you mean this?\n\t${near}\n`
  return `unknown command "${word}" for "${program.name()}"${hint}\nRun '${program.name()} --help' for usage.`
}

function errorText(error: unknown, program: Command): string {
  if (error instanceof CommanderError) return usageText(error, program)
  if (error instanceof ConfigError) return error.message
  return errorMessage(error)
}

function usageText({ code, message }: CommanderError, program: Command): string {
  const [, word = ''] = /'([^']*)'/.exec(message) ?? []
  const [flag = word] = /--?[^\s,<[]+(?=[ <]|$)/.exec(word) ?? []
  switch (code) {
    case 'commander.unknownOption':
      return word.startsWith('--')
        ? `unknown flag: ${word}`
        : `unknown shorthand flag: '${word.slice(1, 2)}' in ${word}`
    case 'commander.optionMissingArgument':
      return `flag needs an argument: ${flag}`
    case 'commander.excessArguments': {
      const [, most = '0', got = '1'] = /Expected (\d+) arguments? but got (\d+)/.exec(message) ?? []
      return `accepts ${most === '0' ? '0' : `at most ${most}`} arg(s), received ${got}`
    }
    case 'commander.unknownCommand':
      return unknownCommand(word, /Did you mean (\S+)\?/.exec(message)?.[1], program)
    default:
      return message.replace(/^error: /, '')
  }
}
