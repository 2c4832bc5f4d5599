/** `print-config`: the typed config, defaults filled in, secrets hidden. */
import type { Command } from 'commander'
import type { ComponentConfig, Config, PipelineConfig } from '../pipeline/config/config.ts'
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
      const shown = printable(config, mode === 'redacted')
      context.stdout.write(
        format === 'json'
          ? `${JSON.stringify(sorted(shown), null, 2)}\n`
          : `${goYaml(shown, { areKeysSorted: true })}\n`,
      )
    })
}

function printable(
  { receivers, processors, exporters, connectors, extensions, service }: Config,
  isRedacted: boolean,
): object {
  const bodies = (section: ReadonlyMap<string, ComponentConfig>) =>
    Object.fromEntries([...section].map(([id, one]) => [id, isRedacted ? one.redacted : one.effective]))
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
      telemetry: isRedacted ? withoutSecrets(service.effectiveTelemetry) : service.effectiveTelemetry,
    },
  }
}

function lists({ receivers, processors, exporters }: PipelineConfig): object {
  const texts = (ids: PipelineConfig['receivers']) => ids.map(({ text }) => text)
  return { receivers: texts(receivers), processors: texts(processors), exporters: texts(exporters) }
}

/** Exporters of the engine's own telemetry are free-form here, so their secrets are known by name only. */
const secretKeys = /^(?:headers|headers_list|client_key|client_certificate|certificate|password|token|authorization)$/i
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, secretKeys.test(key) ? '[REDACTED]' : withoutSecrets(item)]),
  )
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
