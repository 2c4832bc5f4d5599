/**
 * Alertmanager's API v2 (`POST /api/v2/alerts`, its `openapi.yaml` and `api.go`) and the webhook of Alertmanager, version 4, whose form Grafana's has too:
 * https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, https://grafana.com/docs/grafana/latest/alerting.
 */
import { z } from 'zod'
import { HttpError } from '../../pipeline/net/http-body.ts'
import { readTime } from '../../pipeline/net/json-fields.ts'
import { type ForeignAlert, fingerprintOf, type Labels } from './foreign-alert.ts'

const texts = z.record(z.string(), z.string())
const time = z.string().nullish()

const posted = z.array(
  z.object({
    labels: texts,
    annotations: texts.nullish(),
    startsAt: time,
    endsAt: time,
    generatorURL: z.string().nullish(),
  }),
)
const notified = z.object({
  version: z.string().nullish(),
  status: z.string().nullish(),
  alerts: z.array(
    z.object({
      status: z.string().nullish(),
      labels: texts.nullish(),
      annotations: texts.nullish(),
      startsAt: time,
      endsAt: time,
      generatorURL: z.string().nullish(),
      fingerprint: z.string().nullish(),
      panelURL: z.string().nullish(),
      dashboardURL: z.string().nullish(),
      valueString: z.string().nullish(),
    }),
  ),
  externalURL: z.string().nullish(),
})

export interface Posted {
  readonly alerts: readonly ForeignAlert[]
  /** Upstream takes what is right and refuses the rest. */
  readonly problems: readonly string[]
}

/** Throws `HttpError` 400 for what has not the form. */
export function readPosted(body: unknown, nowNano: bigint, resolveTimeoutMs: number): Posted {
  const alerts: ForeignAlert[] = []
  const problems: string[] = []
  for (const { labels: given, annotations, startsAt, endsAt, generatorURL } of parsed(posted, body, 'alerts')) {
    // An empty value is no label.
    const labels = new Map(Object.entries(given).filter(([, value]) => value !== ''))
    const ends = timeOf(endsAt, 'endsAt')
    const starts = timeOf(startsAt, 'startsAt') ?? ends ?? nowNano
    if (labels.size === 0) problems.push('at least one label pair required')
    else if (labels.has('')) problems.push('invalid label set: invalid name ""')
    else if (ends !== undefined && ends < starts) problems.push('start time must be before end time')
    else {
      const isOver = ends !== undefined && ends <= nowNano
      alerts.push({
        source: 'alertmanager',
        fingerprint: fingerprintOf(labels),
        name: nameOf(labels),
        isOver,
        startsNano: starts,
        endsNano: isOver ? ends : undefined,
        expiresNano: isOver ? undefined : (ends ?? nowNano + BigInt(Math.round(resolveTimeoutMs)) * 1_000_000n),
        labels,
        ...wordsOf(annotations ?? {}),
        url: generatorURL || undefined,
      })
    }
  }
  return { alerts, problems }
}

/** Throws `HttpError` 400 for what has not the form. */
export function readNotified(source: 'alertmanager' | 'grafana', body: unknown): readonly ForeignAlert[] {
  const { version, status, alerts } = parsed(notified, body, 'the body')
  if (source === 'alertmanager' && version !== '4')
    throw new HttpError(400, `the webhook is of version ${JSON.stringify(version ?? '')}; send version "4"`)
  return alerts.map((one) => {
    const labels = new Map(Object.entries(one.labels ?? {}).filter(([, value]) => value !== ''))
    const state = one.status ?? status ?? ''
    if (state !== 'firing' && state !== 'resolved')
      throw new HttpError(400, `the status is ${JSON.stringify(state)}; there are "firing" and "resolved"`)
    const isOver = state === 'resolved'
    const words = wordsOf(one.annotations ?? {})
    return {
      source,
      fingerprint: one.fingerprint || fingerprintOf(labels),
      name: nameOf(labels),
      isOver,
      startsNano: timeOf(one.startsAt, 'startsAt'),
      endsNano: isOver ? timeOf(one.endsAt, 'endsAt') : undefined,
      expiresNano: undefined,
      labels,
      ...words,
      text: words.text || (one.valueString ?? ''),
      url: one.panelURL || one.dashboardURL || one.generatorURL || undefined,
    }
  })
}

function nameOf(labels: Labels): string {
  return labels.get('alertname') ?? 'alert'
}

function wordsOf(annotations: Readonly<Record<string, string>>): Pick<ForeignAlert, 'text' | 'runbook'> {
  const of = (...names: readonly string[]) => names.map((name) => annotations[name] ?? '').find((text) => text !== '')
  return { text: of('summary', 'message', 'title', 'description') ?? '', runbook: of('runbook_url', 'runbook') }
}

function timeOf(text: string | null | undefined, name: string): bigint | undefined {
  if (text === null || text === undefined || text === '') return undefined
  const found = readTime(text)
  if (found === undefined && !/^\d{4}-\d\d-\d\dT/.test(text))
    throw new HttpError(400, `${name} is ${JSON.stringify(text.slice(0, 64))}, which is no RFC 3339 time`)
  return found
}

function parsed<T extends z.ZodType>(schema: T, body: unknown, what: string): z.output<T> {
  const found = schema.safeParse(body)
  if (found.success) return found.data
  const [issue] = found.error.issues
  const at = issue === undefined || issue.path.length === 0 ? what : `${what}, ${issue.path.join('.')}`
  throw new HttpError(400, `${at}: ${issue?.message ?? 'not of the form'}`)
}
