/** `schema`: the JSON Schema of this build's configuration, for editors. */
import type { Command } from 'commander'
import { configSchema } from '../pipeline/config/json-schema.ts'
import type { CommandContext } from './command.ts'

export function register(program: Command, context: CommandContext): void {
  program
    .command('schema')
    .description('Prints the JSON Schema of the configuration, for editors')
    .option(
      '--plugin <file>',
      'a module that defines components of your own',
      (value, before: readonly string[]) => [...before, value],
      [],
    )
    .action(async ({ plugin }: { plugin: readonly string[] }) => {
      const schema = await configSchema(await context.catalog(plugin))
      context.stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
    })
}
