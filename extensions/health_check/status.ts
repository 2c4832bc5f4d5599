/** One state out of many, as upstream's `pkg/status` aggregates them: of a pipeline out of its components, of the engine out of its pipelines. */
import type { ComponentView, EngineView } from '../../pipeline/telemetry/engine-view.ts'

const names = {
  starting: 'StatusStarting',
  ok: 'StatusOK',
  recoverable: 'StatusRecoverableError',
  permanent: 'StatusPermanentError',
  fatal: 'StatusFatalError',
  stopping: 'StatusStopping',
  stopped: 'StatusStopped',
} as const satisfies Record<ComponentView['state'], string>
export type StatusName = (typeof names)[ComponentView['state']] | 'StatusNone'

export interface Status {
  readonly name: StatusName
  readonly error: string
  readonly sinceUnixNano: bigint
  /** What it was made of, by upstream's keys: `pipeline:traces`, `extensions`, `exporter:debug`. */
  readonly components: ReadonlyMap<string, Status>
}

const noComponents: ReadonlyMap<string, Status> = new Map()

/** `recoverableFirst`: of two kinds of errors that one is told. */
export function engineStatus(engine: EngineView, recoverableFirst: boolean): Status {
  const parts = new Map<string, Status>()
  const extensions = engine.components.filter(({ kind }) => kind === 'extension')
  const statusOf = (views: readonly ComponentView[]) =>
    aggregate(
      new Map(views.map((view) => [`${view.kind}:${view.id}`, componentStatus(view, engine)])),
      recoverableFirst,
    )
  if (extensions.length > 0) parts.set('extensions', statusOf(extensions))
  for (const pipeline of engine.pipelines) {
    const ends = new Set([...pipeline.receivers, ...pipeline.exporters])
    const stands = ({ kind, id, pipeline: own }: ComponentView) =>
      kind === 'processor' ? own === pipeline.id : kind !== 'extension' && ends.has(id)
    const isHere = (view: ComponentView) =>
      stands(view) &&
      (view.kind !== 'receiver' || pipeline.receivers.includes(view.id)) &&
      (view.kind !== 'exporter' || pipeline.exporters.includes(view.id))
    parts.set(`pipeline:${pipeline.id}`, statusOf(engine.components.filter(isHere)))
  }
  return aggregate(parts, recoverableFirst)
}

function componentStatus({ state, message, sinceUnixNano }: ComponentView, { phase }: EngineView): Status {
  // Components start one after another: until all have, the whole is starting, and does not flap.
  const name = phase === 'starting' && state !== 'fatal' ? 'StatusStarting' : names[state]
  return { name, error: isError(name) ? message : '', sinceUnixNano, components: noComponents }
}

function isError(name: StatusName): boolean {
  return name === 'StatusRecoverableError' || name === 'StatusPermanentError' || name === 'StatusFatalError'
}

function aggregate(components: ReadonlyMap<string, Status>, recoverableFirst: boolean): Status {
  const all = [...components.values()]
  const name = commonName(new Set(all.map((status) => status.name)), recoverableFirst)
  if (!isError(name)) {
    const latest = all.toSorted((a, b) => (a.sinceUnixNano < b.sinceUnixNano ? 1 : -1)).at(0)
    return { name, error: '', sinceUnixNano: latest?.sinceUnixNano ?? 0n, components }
  }
  // The first failure is the likely cause of the others, and what a recovery is timed from.
  const first = all
    .filter((status) => status.name === name)
    .reduce((a, b) => (b.sinceUnixNano < a.sinceUnixNano ? b : a))
  return { name, error: first.error, sinceUnixNano: first.sinceUnixNano, components }
}

function commonName(seen: ReadonlySet<StatusName>, recoverableFirst: boolean): StatusName {
  const [only] = seen
  if (only !== undefined && seen.size === 1) return only
  if (seen.has('StatusFatalError')) return 'StatusFatalError'
  if (seen.has('StatusStarting')) return 'StatusStarting'
  if (seen.has('StatusStopping') || seen.has('StatusStopped')) return 'StatusStopping'
  const errors = ['StatusPermanentError', 'StatusRecoverableError'] as const
  return (recoverableFirst ? errors.toReversed() : errors).find((name) => seen.has(name)) ?? 'StatusNone'
}
