/** Alarms, people and a call graph, in few words. */
import { type FeatureStore, featureStore } from '../../pipeline/capability/feature-store.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { type Anomaly, writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, type EntityKind, edgeEntity, entityId, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { eventId, eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Feedback, feedbackId, readFeedback, writeFeedback } from '../../pipeline/vocabulary/feedback.ts'
import { type Incident, readIncident } from '../../pipeline/vocabulary/incident.ts'
import factory from './index.ts'

/** 2026-11-24 10:15:00 UTC, seconds. */
export const start = Date.parse('2026-11-24T10:15:00Z') / 1_000

export function entity(name: string, kind: EntityKind = 'service', service = ''): Entity {
  const isAlone = kind !== 'service' && service === ''
  return { kind, cluster: '', environment: 'production', namespace: isAlone ? '' : 'shop', service, name }
}
const nano = (seconds: number) => String(BigInt(Math.round(seconds * 1_000)) * 1_000_000n)

/** What differs from a service that is slow since `at` and was found so 30 s later. */
export interface More extends Partial<Omit<Anomaly, 'entity' | 'time' | 'until'>> {
  readonly found?: number
}
export function anomaly(about: Entity | string, at: number, { found = at + 30, ...more }: More = {}): Anomaly {
  const of = typeof about === 'string' ? entity(about) : about
  const type = more.type ?? 'slow'
  return {
    schema: 1,
    id: eventId('vigil.anomaly', entityId(of), type, String(at)),
    entity: of,
    time: nano(at),
    observed_time: nano(found),
    severity: 'high',
    text: `${entityLabel(of)} is ${type}`,
    state: 'active',
    type,
    detector: 'fused',
    until: nano(found),
    onset_uncertainty: 10,
    quality: 1,
    wakes: false,
    evidence: [],
    ...more,
  }
}

export function cleared(of: Anomaly, at: number): Anomaly {
  return { ...of, state: 'cleared', until: nano(at), observed_time: nano(at) }
}
export function burn(about: Entity | string, at: number, more: More = {}): Anomaly {
  return anomaly(about, at, {
    type: 'slo_burn',
    detector: 'slo',
    slo: 'fast',
    wakes: true,
    severity: 'critical',
    ...more,
  })
}

function batchOf(...events: readonly (Anomaly | Feedback)[]): Logs {
  return eventLogs(undefined, (builder) => {
    for (const event of events)
      if ('kind' in event) writeFeedback(builder, event)
      else writeAnomaly(builder, event)
  })
}

export function says(kind: Feedback['kind'], incident: string | undefined, more: Partial<Feedback> = {}): Feedback {
  const at = more.since ?? nano(start + 100)
  return {
    schema: 1,
    id: feedbackId(kind, incident ?? '', 'ada', at, more.parent_id),
    ...(incident === undefined ? {} : { incident_id: incident }),
    entity: entity('vigil', 'external'),
    time: at,
    observed_time: at,
    severity: 'low',
    text: `ada: ${kind}`,
    kind,
    by: 'ada',
    since: at,
    ...more,
  }
}
export { nano }

/** `caller -> callee`, services unless it says `database:` or another kind. */
export function storeOf(...calls: readonly string[]): Pick<FeatureStore, 'graph'> {
  const nodes: string[] = []
  const numberOf = (id: string) => (nodes.includes(id) ? nodes.indexOf(id) : nodes.push(id) - 1)
  const ends = calls.flatMap((call) => {
    const path = call.split(' -> ').map(named)
    return path.slice(1).map((callee, i) => [path[i]!, callee] as const)
  })
  const numbers = (of: () => number) => Float64Array.from(ends, of)
  return {
    graph: async ({ asOfUnixNano }) => ({
      asOfUnixNano,
      nodes,
      source: Uint32Array.from(ends, ([source]) => numberOf(entityId(source))),
      target: Uint32Array.from(ends, ([, target]) => numberOf(entityId(target))),
      types: ends.map(() => 'call'),
      edges: ends.map(([source, target]) => entityId(edgeEntity(source, target))),
      requestsPerSecond: numbers(() => 10),
      errorRatio: numbers(() => 0),
      meanSeconds: numbers(() => 0.01),
      firstSeen: numbers(() => start - 10_000),
      lastSeen: numbers(() => start),
    }),
  }
}
function named(text: string): Entity {
  const [name, kind] = text.split(':').reverse() as [string, EntityKind | undefined]
  return entity(name, kind ?? 'service')
}

/** The shop: users call the frontend, which calls orders and the catalogue; those call what they need. */
export const shop = [
  'frontend -> order -> payment -> database:payments-db',
  'frontend -> catalogue -> database:products',
  'order -> stock -> database:stock-db',
  'catalogue -> search',
  'batch -> report -> database:archive',
] as const

export interface Opened {
  readonly hear: (...events: readonly (Anomaly | Feedback)[]) => Promise<void>
  readonly said: () => Incident[]
  /** The newest revision of each. */
  readonly now: () => Incident[]
  readonly feedback: () => Feedback[]
  readonly advance: (seconds: number) => Promise<void>
  readonly built: ReturnType<typeof build>
}

export async function open(
  yaml = 'feature_store: feature_store',
  store: Pick<FeatureStore, 'graph'> | undefined = storeOf(...shop),
  options: TestContextOptions = {},
  state?: Uint8Array,
): Promise<Opened> {
  const capabilities = new Map(options.capabilities ?? [])
  if (store !== undefined) capabilities.set(featureStore, store)
  const built = build(factory, yaml, { kind: 'connector', ...options, capabilities })
  if (state !== undefined) await built.instance.restore?.(state)
  await built.instance.start?.()
  await built.context.clock.advance(0)
  const records = () => built.context.recorded.emitted.flatMap(({ batch }) => [...(batch as Logs)])
  const said = () => records().flatMap((record) => readIncident(record) ?? [])
  return {
    built,
    said,
    now: () => [...new Map(said().map((incident) => [incident.incident_id, incident])).values()],
    feedback: () => records().flatMap((record) => readFeedback(record) ?? []),
    hear: async (...events) => {
      await built.handle(batchOf(...events))
    },
    advance: (seconds) => built.context.clock.advance(seconds * 1_000),
  }
}

/** `open p2 payment* order<payment frontend+` : suspects have a star, symptoms say what explains them, what is attached has a plus. */
export function brief({ state, priority, members }: Incident): string {
  const byId = new Map(members.map((member) => [member.event_id, member]))
  const words = members.map(({ entity, role, explained_by: by }) => {
    const name = entityLabel(entity)
    if (role === 'suspect') return `${name}*`
    return role === 'attached' ? `${name}+` : `${name}<${by === undefined ? '' : entityLabel(byId.get(by)!.entity)}`
  })
  return [state, priority, ...words].join(' ')
}
