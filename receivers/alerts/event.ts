/** The event that an alert becomes. */
import { flat } from '../../pipeline/net/json-fields.ts'
import type { Anomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { eventId, schemaVersion } from '../../pipeline/vocabulary/event.ts'
import type { ForeignAlert } from './foreign-alert.ts'
import type { Meaning } from './meaning.ts'

export interface Circumstances {
  readonly meaning: Meaning
  readonly entity: Entity
  /** What was said of it while it is active. */
  readonly before: Anomaly | undefined
  readonly nowNano: bigint
  readonly uncertaintySeconds: number
}

const longestText = 1_000
const longestName = 256
const longestUrl = 2_048

/** The same fingerprint keeps its id and its beginning for as long as it is active; the next time it is another one. */
export function anomalyOf(
  alert: ForeignAlert,
  { meaning, entity, before, nowNano, uncertaintySeconds }: Circumstances,
): Anomaly {
  const { fingerprint, isOver, source, endsNano, url, runbook } = alert
  const name = flat(alert.name, longestName) || 'alert'
  const starts = smaller(alert.startsNano ?? nowNano, nowNano)
  const text = flat(alert.text, longestText)
  const owner = flat(meaning.owner(alert), longestName)
  const label = entityLabel(before?.entity ?? entity)
  const plain = text === '' ? `${name} at ${label}` : text.includes(name) ? text : `${name}: ${text}`
  return {
    schema: schemaVersion,
    id: before?.id ?? eventId('vigil.anomaly', 'foreign', fingerprint, String(starts / 1_000_000_000n)),
    entity: before?.entity ?? entity,
    time: before?.time ?? String(starts),
    observed_time: String(nowNano),
    severity: meaning.severity(alert),
    text: isOver ? `${plain} (over)` : plain,
    state: isOver ? 'cleared' : 'active',
    type: meaning.type(alert),
    detector: 'foreign',
    until: String(smaller(endsNano ?? nowNano, nowNano)),
    onset_uncertainty: uncertaintySeconds,
    quality: 1,
    wakes: meaning.isPage(alert),
    evidence: [],
    foreign: {
      source: flat(source, longestName),
      name,
      fingerprint: flat(fingerprint, longestName) || '0',
      ...(isHttp(url) ? { url } : {}),
      ...(owner === '' ? {} : { owner }),
      ...(runbook === undefined || runbook === '' ? {} : { runbook: flat(runbook, longestUrl) }),
    },
  }
}

/** Nobody repeats it. */
export function clearedOf(anomaly: Anomaly, nowNano: bigint): Anomaly {
  const now = String(nowNano)
  return {
    ...anomaly,
    state: 'cleared',
    observed_time: now,
    until: now,
    text: `${anomaly.text} (not repeated any more)`,
  }
}

function isHttp(url: string | undefined): url is string {
  return url !== undefined && url.length <= longestUrl && /^https?:\/\//i.test(url) && URL.canParse(url)
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
