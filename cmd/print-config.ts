/** `print-config`: the typed config, defaults filled in, secrets hidden. */
import type { Command } from 'commander'
import type { ComponentConfig, Config, PipelineConfig } from '../pipeline/config/config.ts'
import type { Printing } from '../pipeline/config/effective.ts'
import { type CommandContext, type ConfigFlags, decodeFlags, withConfigFlags } from './command.ts'
import { goYaml } from './go-yaml.ts'

interface PrintFlags extends ConfigFlags {
  readonly format: string
  readonly mode: string
  readonly validate: boolean
}

export function register(program: Command, context: CommandContext): void {
  const command = program
    .command('print-config')
    .alias('print-initial-config')
    .description("Prints the Collector's configuration in the specified mode")
  withConfigFlags(command)
    .option('--format <format>', 'output format: yaml or json', 'yaml')
    .option('--mode <mode>', 'redacted or unredacted', 'redacted')
    .option('--validate [bool]', 'check the config first: true or false', (text) => text !== 'false', true)
    .action(async ({ format, mode, validate, ...flags }: PrintFlags) => {
      if (mode !== 'redacted' && mode !== 'unredacted')
        throw new Error(`invalid mode "${mode}": modes are: redacted, unredacted`)
      if (format !== 'yaml' && format !== 'json') throw new Error(`unrecognized print format: ${format}`)
      const { config } = await decodeFlags(flags, context, validate)
      if (validate) await context.checkGraph(config)
      const shown = printable(config, { isRedacted: mode === 'redacted', areDurationsNanoseconds: format === 'json' })
      context.stdout.write(
        format === 'json'
          ? `${JSON.stringify(sorted(shown), null, 2)}\n`
          : `${goYaml(shown, { areKeysSorted: true })}\n`,
      )
    })
}

/** The whole configuration as `print-config` shows it. */
export function printable(
  { receivers, processors, exporters, connectors, extensions, service }: Config,
  printing: Printing,
): object {
  const bodies = (section: ReadonlyMap<string, ComponentConfig>) =>
    Object.fromEntries([...section].map(([id, one]) => [id, one.printed(printing)]))
  const ids = service.extensions.map(({ text }) => text)
  return {
    receivers: bodies(receivers),
    processors: bodies(processors),
    exporters: bodies(exporters),
    connectors: bodies(connectors),
    extensions: bodies(extensions),
    service: {
      ...(ids.length > 0 ? { extensions: ids } : {}),
      ...(service.plugins.length > 0 ? { plugins: service.plugins } : {}),
      pipelines: Object.fromEntries([...service.pipelines].map(([id, pipeline]) => [id, lists(pipeline)])),
      // Upstream shows no header of its own telemetry in any mode.
      telemetry: service.printedTelemetry({ ...printing, isRedacted: true }),
    },
  }
}

function lists({ receivers, processors, exporters }: PipelineConfig): object {
  const texts = (ids: PipelineConfig['receivers']) => ids.map(({ text }) => text)
  return { receivers: texts(receivers), processors: texts(processors), exporters: texts(exporters) }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
