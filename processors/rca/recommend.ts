/** What a person may do about it. Text only: nothing executes it. */

import type { Change } from '../../pipeline/vocabulary/change.ts'
import type { Hypothesis } from '../../pipeline/vocabulary/diagnosis.ts'
import { type Entity, entityLabel } from '../../pipeline/vocabulary/entity.ts'

export interface Advised {
  readonly entity: Entity
  readonly hypothesis: Hypothesis
  /** Of the statement, where it is one. */
  readonly statement?: string
  readonly change?: Change
  readonly runbook?: string
}

export function recommendation({ entity, hypothesis, statement, change, runbook }: Advised): string {
  const label = entityLabel(entity)
  const first = adviceFor(hypothesis, label, statement, change)
  return runbook === undefined ? first : `${first} Runbook: ${runbook}`
}

function adviceFor(
  hypothesis: Hypothesis,
  label: string,
  statement: string | undefined,
  change: Change | undefined,
): string {
  switch (hypothesis) {
    case 'query': {
      const index = statement === undefined ? undefined : indexFor(statement)
      return index === undefined
        ? `Look at the plan of ${label}: does it still use its index, are the statistics of its tables fresh?`
        : `Look at the plan of ${label}. An index on ${index} would serve it; is there one, or was it dropped?`
    }
    case 'deploy':
    case 'config':
      return change === undefined
        ? `Undo what was changed at ${label} last.`
        : `Roll back: ${change.kind} of ${label}${change.from === undefined ? '' : ` to ${change.from}`}${change.reference === undefined ? '' : ` (${change.reference})`}.`
    case 'cpu':
      return `${label} is short of processor time: find what computes there (a profile says it), or give it more instances.`
    case 'memory':
      return `${label} is short of memory: take a heap snapshot before it is killed, then restart it; find what it no longer lets go.`
    case 'disk':
      return `Free or enlarge the disk of ${label}, or find who writes so much.`
    case 'network':
      return `Look at the network between ${label} and its callers: loss, saturation, a proxy or policy in between.`
    case 'pool_or_lock':
      return `Find who holds the connections or locks of ${label} for so long; a larger pool moves the queue and does not shorten it.`
    case 'cache':
      return `Why does ${label} no longer find what it looks for: was the cache emptied, evicted, or its keys changed?`
    case 'queue':
      return `Consumers of ${label} do not keep up: give them more instances, or find why a message takes longer.`
    case 'traffic':
      return `More requests come to ${label} than it is planned for: scale, or limit who sends them.`
    case 'code':
      return `Read the traces and log lines below: ${label} fails or takes another way by itself, with nothing it calls being the matter.`
    case 'certificate_or_dns':
      return `Check certificate and name of ${label} as its callers see them.`
    case 'node':
      return `Move what runs on ${label} elsewhere (cordon, drain), then look at the machine.`
    case 'external':
      return `${label} is not ours: see its status page; shorten time-outs or open a circuit breaker so that users wait less.`
    default:
      return `Look at ${label} first: it changed more than what it calls, and nothing measured says why.`
  }
}

/** `payments (customer_id, state)`: what the statement compares with constants. Undefined where that is not plain to see. */
export function indexFor(statement: string): string | undefined {
  const table = /\bfrom\s+([\w."`]+)/i.exec(statement)?.[1] ?? /\bupdate\s+([\w."`]+)/i.exec(statement)?.[1]
  const where = /\bwhere\b(.*?)(?:\bgroup\s+by\b|\border\s+by\b|\blimit\b|\bfor\s+update\b|$)/is.exec(statement)?.[1]
  if (table === undefined || where === undefined || /\bjoin\b|\bor\b|\(\s*select\b/i.test(statement)) return undefined
  const columns = [...where.matchAll(/([\w."`]+)\s*(?:=|in\b|like\b|[<>]=?|between\b|is\b)/gi)].map(([, column]) =>
    column!.slice(column!.lastIndexOf('.') + 1),
  )
  const unique = [...new Set(columns)].slice(0, 4)
  return unique.length === 0 ? undefined : `${table} (${unique.join(', ')})`
}
