/** Sends data on by what it is or who sent it: each route of a table takes what its condition holds for. */
import { type Context, defineConnector, type Emit, Rejected } from '../../pipeline/component.ts'
import type { Reads } from '../../pipeline/data/origin.ts'
import type { Batches } from '../../pipeline/data/telemetry.ts'
import { compileRule, metadataRead } from './compile.ts'
import { type Config, config } from './config.ts'
import { parseRequestCondition } from './request.ts'
import type { Routed } from './split.ts'
import { Table } from './table.ts'

export default defineConnector({
  type: 'routing',
  config,
  signals: { 'traces to traces': 'alpha', 'metrics to metrics': 'alpha', 'logs to logs': 'alpha' },
  placement: 'each',
  reads: readsOf,
  create(settings, context) {
    const emits = emitsOf(settings, context)
    const table = new Table(settings, context)
    const route = async <S extends Routed>(signal: S, batch: Batches[S]): Promise<void> => {
      const sends = table.share(signal, batch).flatMap(({ pipelines, batch: part }) =>
        pipelines.map(async (pipeline) => {
          const emit = emits.get(pipeline)?.[signal] as ((batch: Batches[S]) => Promise<void>) | undefined
          if (emit === undefined) throw new Error(`the pipeline ${pipeline} takes no ${signal}`)
          await emit(part)
        }),
      )
      const failed = (await Promise.allSettled(sends)).filter((one) => one.status === 'rejected')
      if (failed.length > 0) throw refusalOf(failed.map(({ reason }) => reason as unknown))
    }
    return {
      traces: (batch) => route('traces', batch),
      metrics: (batch) => route('metrics', batch),
      logs: (batch) => route('logs', batch),
    }
  },
})

/** Of all pipelines that are named. Throws, in upstream's words, where one does not start with this connector. */
function emitsOf({ default_pipelines, table }: Config, { routes, signals }: Context): ReadonlyMap<string, Emit> {
  const emits = new Map<string, Emit>()
  for (const pipeline of [...default_pipelines, ...table.flatMap(({ pipelines }) => pipelines)]) {
    const emit = routes.get(pipeline)
    if (emit === undefined || ![...signals].every((signal) => signal === pipeline.split('/', 1)[0]))
      throw new Error(`pipeline not found: missing consumer: "${pipeline}"`)
    emits.set(pipeline, emit)
  }
  return emits
}

/** One for all: the sender may try again only where every failure lets it. */
function refusalOf(failures: readonly unknown[]): unknown {
  const [first] = failures
  const bug = failures.find((failure) => !(failure instanceof Rejected))
  if (bug !== undefined || failures.length === 1) return bug ?? first
  const refusals = failures as readonly Rejected[]
  const waits = refusals.flatMap(({ retryAfterMs }) => retryAfterMs ?? [])
  return new Rejected([...new Set(refusals.map(({ message }) => message))].join('; '), {
    retryable: refusals.every(({ retryable }) => retryable),
    ...(waits.length > 0 ? { retryAfterMs: Math.max(...waits) } : {}),
    cause: first,
  })
}

function readsOf({ table }: Config): Reads {
  const names = new Set<string>()
  for (const item of table) {
    if (item.context === 'request') {
      const parsed = parseRequestCondition(item.condition)
      if ('name' in parsed) names.add(parsed.name)
      continue
    }
    const read = metadataRead(compileRule(item))
    if (read === 'all') return { metadata: 'all' }
    for (const name of read) names.add(name)
  }
  return names.size === 0 ? {} : { metadata: [...names] }
}
