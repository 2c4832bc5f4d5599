/** Sends data to the first level of pipelines that takes it, and returns to a higher one when that works again. */
import { type Context, defineConnector, type Emit, type Lifecycle, Rejected } from '../../pipeline/component.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { type Sender, wrapExporter } from '../../pipeline/export/sender.ts'
import { type Config, config } from './config.ts'
import { type Level, Levels } from './levels.ts'
import { decode, encode } from './state.ts'

/** How long what is under way may take when a reload comes. */
const handOverMs = 5_000

export default defineConnector({
  type: 'failover',
  config,
  signals: { 'traces to traces': 'alpha', 'metrics to metrics': 'alpha', 'logs to logs': 'alpha' },
  reads: ({ sending_queue }) => ({ metadata: sending_queue?.batch?.partition.metadata_keys ?? [] }),
  create(settings, context) {
    const levels = new Levels(levelsOf(settings, context), settings.retry_interval, context)
    const help = 'The priority level that data goes to; 1 is the preferred one'
    context.meter.gauge('vigil_failover_level', () => levels.current + 1, { connector: context.id }, help)
    const [signal] = context.signals
    const queue = settings.sending_queue && signal && queueOf(signal, settings, context, levels)
    const consume = (batch: Batch) => (queue === undefined ? levels.send(batch) : queue.consume(batch))
    return { ...lifecycleOf(levels, queue, context), traces: consume, metrics: consume, logs: consume }
  },
})

function lifecycleOf(levels: Levels, queue: Sender | undefined, context: Context): Lifecycle {
  /** What the predecessor had accepted. */
  let waiting: readonly Batch[] = []
  const giveOn = async (batch: Batch): Promise<void> => {
    if (queue !== undefined) {
      queue.takeOver(batch)
      return
    }
    try {
      await levels.send(batch)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      // It was acknowledged before the reload: nobody hears the refusal.
      context.dropped(batch.count, 'refused', 'lost')
    }
  }
  return {
    async start() {
      await queue?.start()
      const all = waiting
      waiting = []
      for (const batch of all) await giveOn(batch)
    },
    async save() {
      const left = [...waiting]
      waiting = []
      const deadline = AbortSignal.timeout(handOverMs)
      // A queue on disk keeps what waits, and the successor finds it there.
      if (queue?.storage !== undefined) await queue.shutdown(deadline)
      else await queue?.handOver((batch) => left.push(batch), deadline)
      return encode({ pipelines: levels.currentPipelines, waiting: left })
    },
    async restore(bytes) {
      const state = decode(bytes)
      levels.resume(state.pipelines)
      waiting = state.waiting
    },
    async shutdown(deadline) {
      await queue?.shutdown(deadline)
      levels.stop()
    },
  }
}

function queueOf(signal: Signal, { sending_queue }: Config, context: Context, levels: Levels): Sender {
  return wrapExporter({
    context,
    signal,
    handler: (batch) => levels.send(batch),
    sending: { sending_queue },
    originKey: (origin) => context.originKey(origin),
  })
}

function levelsOf({ priority_levels }: Config, { routes, signals }: Context): Level[] {
  return priority_levels.map((pipelines): Level => {
    const emits = pipelines.map((pipeline) => {
      const emit = routes.get(pipeline)
      if (emit === undefined || ![...signals].every((signal) => signal === pipeline.split('/', 1)[0]))
        throw new Error(`Error registering consumer: missing consumer: "${pipeline}"`)
      return emit
    })
    if (emits.length === 0) throw new Error('Error registering consumer: a priority level names no pipeline')
    return { pipelines, send: (batch) => sendAll(emits, batch) }
  })
}

/** Throws where one of them refuses. */
async function sendAll(emits: readonly Emit[], batch: Batch): Promise<void> {
  const sends = emits.map((emit) => (emit[batch.signal] as (batch: Batch) => Promise<void>)(batch))
  const failures = (await Promise.allSettled(sends)).flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  )
  const [first] = failures
  if (failures.length === 0) return
  const bug = failures.find((failure) => !(failure instanceof Rejected))
  if (bug !== undefined || failures.length === 1) throw bug ?? first
  const refusals = failures as readonly Rejected[]
  throw new Rejected(refusals.map(({ message }) => message).join('; '), {
    retryable: refusals.every(({ retryable }) => retryable),
    cause: first,
  })
}
