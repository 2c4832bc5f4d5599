/** From findings to the event: the verdict, causes with their evidence, what was ruled out and why, and what a person may do. */

import type { RankedCause } from '../../models/root-cause/evidence.ts'
import type { FeatureStore } from '../../pipeline/capability/feature-store.ts'
import {
  type Cause,
  type Diagnosis,
  type Finding,
  type Hypothesis,
  hypotheses,
  type Verdict,
} from '../../pipeline/vocabulary/diagnosis.ts'
import { type Entity, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { eventId } from '../../pipeline/vocabulary/event.ts'
import type { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { affectedOperations, sameWhole } from './affected.ts'
import { changeText } from './change-sightings.ts'
import type { Findings } from './diagnose.ts'
import type { Observation } from './direct.ts'
import { effectOf } from './effect.ts'
import { recommendation } from './recommend.ts'
import { wholeOf } from './surroundings.ts'

/** What a mechanism that was observed itself adds to a cause's score, in nats. */
const observedGain = 8
const mostCauses = 5
const mostFindings = 12
const mostRuledOut = 12

export interface ConcludeOptions {
  readonly store: FeatureStore
  readonly time: LocalTime
  readonly random: () => number
  readonly tookSeconds: number
}

interface Suspect {
  readonly node: number
  readonly hypothesis: Hypothesis
  readonly score: number
  readonly support: RankedCause['support']
  readonly observations: readonly Observation[]
}

export async function conclude(findings: Findings, options: ConcludeOptions): Promise<Diagnosis> {
  const { incident, around, ranking, observations, recorded, missing } = findings
  const suspects = suspectsOf(ranking.causes, observations)
  const verdict: Verdict =
    suspects[0] === undefined ? 'inconclusive' : suspects[0].observations.length > 0 ? 'confirmed' : ranking.verdict
  const told = suspects.slice(0, mostCauses)
  const causes = told.map((suspect) => causeOf(suspect, findings))
  const [first] = told
  if (first !== undefined && causes[0] !== undefined) {
    const effect = await effectOf(options.store, findings, first.node, options.random)
    if (effect !== undefined) causes[0] = { ...causes[0], effect }
  }
  const affected =
    first === undefined || recorded === undefined
      ? []
      : affectedOperations(recorded, around, first.node).map(({ operation, share }) => ({ operation, share }))
  const change = first && findings.changes.find((one) => sameWhole(around, one.node, first.node))?.change
  const advice =
    first === undefined || verdict === 'inconclusive'
      ? undefined
      : recommendation({
          entity: around.entities[first.node]!,
          hypothesis: first.hypothesis,
          ...(around.kinds[first.node] === 'query' ? { statement: findings.statement(first.node) } : {}),
          ...(change === undefined ? {} : { change }),
          ...(incident.runbook === undefined ? {} : { runbook: incident.runbook }),
        })
  const entity = first === undefined ? incident.entity : around.entities[first.node]!
  return {
    schema: 1,
    id: eventId('vigil.diagnosis', incident.incident_id, String(incident.incident_revision)),
    parent_id: incident.id,
    incident_id: incident.incident_id,
    incident_revision: incident.incident_revision,
    entity,
    time: String(findings.times.onset),
    observed_time: incident.observed_time,
    severity: incident.severity,
    text: sentence(verdict, causes[0], affected, options.time),
    verdict,
    causes,
    ruled_out: ruledOut(findings, suspects),
    affected,
    missing: [...missing],
    ...(advice === undefined ? {} : { recommendation: advice }),
    took_seconds: options.tookSeconds,
  }
}

/** A mechanism that said so itself decides what is the matter with a node, and speaks for it; at a node that is no suspect otherwise it is some other trouble. */
function suspectsOf(causes: readonly RankedCause[], observations: readonly Observation[]): readonly Suspect[] {
  const byNode = new Map<number, readonly Observation[]>()
  for (const one of observations) byNode.set(one.node, [...(byNode.get(one.node) ?? []), one])
  return causes
    .filter(({ score }) => score > 0)
    .map((cause): Suspect => {
      const seen = byNode.get(cause.node) ?? []
      const hypothesis = seen[0]?.hypothesis ?? hypotheses.find((one) => one === cause.hypothesis) ?? 'unknown'
      const own = seen.filter((one) => one.hypothesis === hypothesis)
      return {
        node: cause.node,
        hypothesis,
        score: cause.score + (own.length > 0 ? observedGain : 0),
        support: cause.support,
        observations: own,
      }
    })
    .sort((a, b) => b.score - a.score || a.node - b.node)
}

function causeOf({ node, hypothesis, score, support: all, observations }: Suspect, findings: Findings): Cause {
  const { around, evidence, times, incident } = findings
  const direct: Finding[] = observations.map((one) => ({
    modality: one.traceId === '' ? 'log' : 'trace',
    text: one.text,
    log_likelihood_ratio: observedGain,
    direct: true,
    reference: {
      kind: hypothesis === 'query' ? 'statement' : one.traceId === '' ? 'log' : 'trace',
      entity: around.ids[one.node]!,
      ...(one.traceId === '' ? {} : { trace_id: one.traceId, span_id: one.spanId }),
      from: String(one.firstUnixNano),
      until: String(one.lastUnixNano),
    },
  }))
  const support = all.filter(({ logLikelihoodRatio }) => logLikelihoodRatio > 0)
  const statistical: Finding[] = support.map(({ sighting, logLikelihoodRatio }) => {
    const { modality, text, reference } = evidence.told(evidence.sightings[sighting]!)
    return { modality, text, log_likelihood_ratio: logLikelihoodRatio, direct: false, reference }
  })
  const alarms: Finding[] = incident.members
    .filter(({ entity }) => around.nodeOf(entity) === node)
    .slice(0, 4)
    .map(({ event_id, text, since }) => ({
      modality: 'alarm',
      text,
      log_likelihood_ratio: 0,
      direct: false,
      reference: { kind: 'event', event_id, from: since, until: String(times.until) },
    }))
  const dates = support
    .map(({ sighting }) => evidence.sightings[sighting]!)
    .filter(({ since, surprise }) => Number.isFinite(since) && surprise > 3)
    .map(({ since }) => since)
  const since = dates.length === 0 ? times.onset : BigInt(Math.round(Math.min(...dates) * 1_000)) * 1_000_000n
  return {
    entity: around.entities[node]!,
    hypothesis,
    score,
    since: String(since),
    path: pathToFelt(findings, node),
    findings: [...direct, ...statistical, ...alarms].slice(0, mostFindings),
  }
}

/** From the cause along its callers to where users feel it: the shortest way. */
function pathToFelt({ around }: Findings, node: number): Entity[] {
  const callers = new Map<number, number[]>()
  for (const [edge, target] of around.targets.entries()) {
    const [to, from] = [wholeOf(around, target), wholeOf(around, around.sources[edge]!)]
    const known = callers.get(to)
    if (known === undefined) callers.set(to, [from])
    else known.push(from)
  }
  const start = wholeOf(around, node)
  const goals = new Set(around.felt.map((felt) => wholeOf(around, felt)))
  const cameFrom = new Map<number, number>([[start, -1]])
  let end = goals.has(start) ? start : -1
  for (const front = [start]; front.length > 0 && end < 0; ) {
    const at = front.shift()!
    for (const caller of callers.get(at) ?? []) {
      if (cameFrom.has(caller)) continue
      cameFrom.set(caller, at)
      front.push(caller)
      if (goals.has(caller) && end < 0) end = caller
    }
  }
  const path: number[] = []
  for (let at = end; at >= 0; at = cameFrom.get(at) ?? -1) path.unshift(at)
  if (path.length === 0) path.push(start)
  if (start !== node) path.unshift(node)
  return path.slice(0, 32).map((one) => around.entities[one]!)
}

/** Changes that are near in time, and those with alarms of their own that only suffer. */
function ruledOut(findings: Findings, suspects: readonly Suspect[]): Diagnosis['ruled_out'] {
  const { around, changes, incident } = findings
  const [first] = suspects
  if (first === undefined) return []
  const out: Diagnosis['ruled_out'] = []
  for (const one of changes) {
    if (sameWhole(around, one.node, first.node)) continue
    const why =
      clearedBy(findings, one.node) ?? (one.secondsBefore < 0 ? 'it came when it had begun already' : undefined)
    if (why === undefined) continue
    out.push({
      entity: around.entities[one.node]!,
      hypothesis: one.change.kind === 'config' || one.change.kind === 'flag' ? 'config' : 'deploy',
      event_id: one.change.id,
      text: `${changeText(one)}: ${why}`,
    })
  }
  const told = new Set<number>()
  for (const { entity } of incident.members) {
    const node = wholeOf(around, around.nodeOf(entity))
    if (node < 0 || told.has(node) || sameWhole(around, node, first.node)) continue
    told.add(node)
    const why = clearedBy(findings, node)
    if (why !== undefined)
      out.push({ entity: around.entities[node]!, text: `${entityLabel(around.entities[node]!)}: ${why}` })
  }
  return out.slice(0, mostRuledOut)
}

/** Undefined where something of its own is out of order, or nobody could look. */
function clearedBy({ around, evidence }: Findings, node: number): string | undefined {
  const own = (kinds: Parameters<typeof evidence.strongest>[1]) =>
    [node, ...(around.parts[node] ?? [])]
      .flatMap((one) => evidence.strongest(one, kinds) ?? [])
      .sort((a, b) => b.surprise - a.surprise)[0]
  const selfTime = own(['self_time'])
  const errors = own(['own_errors'])
  const resources = own(['cpu', 'memory', 'disk', 'restarts'])
  const looked = [selfTime, errors, resources].filter((one) => one !== undefined)
  if (selfTime === undefined && errors === undefined) return undefined
  if (looked.some(({ surprise }) => surprise > unremarkable)) return undefined
  const said = [selfTime, errors].filter((one) => one !== undefined).map((one) => evidence.told(one).text)
  return `nothing of its own changed (${said.join('; ')}${resources === undefined ? '' : '; processor, memory and disk as before'}): it waits for what it calls`
}
const unremarkable = 4

function sentence(
  verdict: Verdict,
  cause: Cause | undefined,
  affected: Diagnosis['affected'],
  time: LocalTime,
): string {
  if (cause === undefined) return 'No cause was found: nothing that was looked at stands out.'
  const opening = { confirmed: 'Confirmed', likely: 'Likely', inconclusive: 'Inconclusive; first to look at' }[verdict]
  const [evidence] = cause.findings
  const where = cause.path.length > 1 ? `; felt by way of ${cause.path.slice(1).map(entityLabel).join(', ')}` : ''
  const whom = affected
    .slice(0, 3)
    .map(({ operation, share }) => `${Math.round(share * 100)} % of ${entityLabel(operation)}`)
    .join(', ')
  return `${opening}: ${entityLabel(cause.entity)} (${cause.hypothesis.replaceAll('_', ' ')})${evidence === undefined ? '' : `: ${evidence.text}`}; since ${time.second(Number(BigInt(cause.since) / 1_000_000n) / 1_000)}${where}${whom === '' ? '' : `; needs it: ${whom}`}.`
}
