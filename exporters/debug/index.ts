/** Prints telemetry for people: a line a batch, a line an item, or everything. */
import { type Context, defineExporter } from '../../pipeline/component.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { config, type DebugConfig } from './config.ts'
import { type Output, openOutput } from './output.ts'
import { render } from './render.ts'
import { createSampler } from './sampler.ts'
import { type Summary, summarize } from './summary.ts'

/** Prints one message with its fields. */
type Print = (message: string, fields?: Summary['fields']) => void | Promise<void>

export default defineExporter({
  type: 'debug',
  config,
  signals: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'alpha' },
  sending: { queue: 'off-by-default', retry: false, timeoutMs: 0 },
  create(settings, context) {
    const isSampled = createSampler(settings.sampling_initial, settings.sampling_thereafter, context.clock)
    let output: Output | undefined
    const printer = (signal: Signal): Print => {
      if (settings.use_internal_logger) return logPrinter(context, signal)
      return (message, fields) => output?.write(consoleLine(message, fields))
    }
    const sink = (signal: Signal) => sinkOf(signal, settings, isSampled, printer(signal))
    return {
      async start() {
        if (!settings.use_internal_logger) output = await openOutput(settings.output_paths ?? ['stdout'])
      },
      async shutdown() {
        await output?.close()
        output = undefined
      },
      traces: sink('traces'),
      metrics: sink('metrics'),
      logs: sink('logs'),
      profiles: sink('profiles'),
    }
  },
})

function sinkOf(signal: Signal, settings: DebugConfig, isSampled: (message: string) => boolean, print: Print) {
  const { verbosity } = settings
  return async (batch: Batch): Promise<void> => {
    const { message, fields } = summarize(batch)
    if (isSampled(message)) await print(message, fields)
    if (verbosity !== 'normal' && verbosity !== 'detailed') return
    const text = render(signal, batch.chunks, verbosity)
    if (isSampled(text)) await print(text)
  }
}

function logPrinter(context: Context, signal: Signal): Print {
  const logger = context.logger.with({ 'otelcol.signal': signal })
  return (message, fields) => logger.info(message, fields)
}

/** As zap's console encoder prints without level and time. */
function consoleLine(message: string, fields: Summary['fields'] | undefined): string {
  if (fields === undefined) return `${message}\n`
  const pairs = Object.entries(fields).map(([name, count]) => `"${name}": ${count}`)
  return `${message}\t{${pairs.join(', ')}}\n`
}
