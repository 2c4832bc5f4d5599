/** `validate`: everything that a start would check, the graph included, without starting anything. */
import type { Command } from 'commander'
import { type CommandContext, type ConfigFlags, decodeFlags, withConfigFlags } from './command.ts'

export function register(program: Command, context: CommandContext): void {
  withConfigFlags(program.command('validate').description('Validates the config without running the collector')).action(
    async (flags: ConfigFlags) => {
      const { config } = await decodeFlags(flags, context)
      await context.checkGraph(config)
    },
  )
}
