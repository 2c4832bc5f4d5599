/** PagerDuty, Events API v2: https://developer.pagerduty.com/docs/send-alert-event. The incident's id is the `dedup_key`, so that a repetition is no second page. */
import { type Attempt, Rejected } from '../../pipeline/component.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import type { Channel, IncidentNotice, Place } from './channel.ts'
import type { PagerDutySettings } from './config.ts'
import { diagnosisMessage, incidentMessage, type Message, plainText, type Wording } from './message.ts'
import { expectOk, type Post, quoted } from './post.ts'

const severities = { critical: 'critical', high: 'error', medium: 'warning', low: 'info' } as const
const maxSummaryChars = 1_024
const sent: Place = {}

export function pagerDutyChannel(settings: PagerDutySettings, post: Post, wording: () => Wording): Channel {
  const enqueue = async (event: object, { signal }: Attempt): Promise<Place> => {
    const answer = await post(settings.url, {}, event, signal)
    // 400 says what is wrong with the event, in its body.
    if (answer.status === 400)
      throw new Rejected(`PagerDuty refused the event${quoted(answer.body)}`, { retryable: false })
    expectOk('PagerDuty', answer)
    return sent
  }
  const keyOf = (owner: string | undefined): string => {
    const { routing_key, routing_keys } = settings
    return owner !== undefined && Object.hasOwn(routing_keys, owner)
      ? (routing_keys[owner] ?? routing_key)
      : routing_key
  }
  return {
    async incident({ incident, told, isNews, failure }, attempt) {
      const action = actionOf(incident, told)
      const isMeant = told?.place['routing'] !== undefined || incident.wakes || settings.tickets
      if (action === undefined || !isMeant || !(isNews || failure !== undefined)) return undefined
      // An incident whose owner changes stays where it was opened.
      const routing = told?.place['routing'] ?? incident.owner ?? ''
      const common = { routing_key: keyOf(routing), dedup_key: incident.incident_id, event_action: action }
      const event =
        action === 'trigger'
          ? { ...common, ...payloadOf(incident, incidentMessage(incident, wording(), failure)) }
          : common
      await enqueue(event, attempt)
      return { routing }
    },
    async diagnosis({ diagnosis, told, title }, attempt) {
      // After the end it would open a new one.
      if (told?.place['routing'] === undefined || told.state === 'resolved' || told.state === 'merged') return undefined
      const message = diagnosisMessage(diagnosis, title, wording())
      const { routing } = told.place
      const event = { routing_key: keyOf(routing), dedup_key: diagnosis.incident_id, event_action: 'trigger' }
      await enqueue({ ...event, ...payloadOf(diagnosis, message) }, attempt)
      return told.place
    },
  }
}

function actionOf(
  { state }: Incident,
  told: IncidentNotice['told'],
): 'trigger' | 'acknowledge' | 'resolve' | undefined {
  // Nobody was called, so that there is nothing to end.
  if (told?.place['routing'] === undefined) return state === 'open' ? 'trigger' : undefined
  if (state === 'resolved' || state === 'merged') return 'resolve'
  return state === 'open' ? 'trigger' : 'acknowledge'
}

interface Subject {
  readonly entity: Incident['entity']
  readonly severity: Incident['severity']
  readonly time: string
}

function payloadOf(
  { entity, severity, time, ...rest }: Subject & Partial<Pick<Incident, 'wakes' | 'runbook' | 'url' | 'slos'>>,
  message: Message,
): object {
  const details = Object.fromEntries(message.facts.map(({ label, lines }) => [label, lines.join('\n')]))
  const isTicket = rest.wakes === false
  const level = isTicket && (severity === 'critical' || severity === 'high') ? 'warning' : severities[severity]
  const links = [
    ...(message.link === undefined ? [] : [{ href: message.link, text: 'Incident' }]),
    ...(rest.runbook !== undefined && URL.canParse(rest.runbook) ? [{ href: rest.runbook, text: 'Runbook' }] : []),
    ...(rest.url !== undefined && URL.canParse(rest.url) ? [{ href: rest.url, text: 'See also' }] : []),
  ]
  return {
    payload: {
      summary: message.headline.slice(0, maxSummaryChars),
      source: entityLabel(entity),
      severity: level,
      timestamp: new Date(Number(BigInt(time) / 1_000_000n)).toISOString(),
      component: entity.service === '' ? entity.name : entity.service,
      ...(entity.environment === '' ? {} : { group: entity.environment }),
      class: entity.kind,
      custom_details: { ...details, text: plainText(message) },
    },
    client: 'Vigil',
    ...(message.link === undefined ? {} : { client_url: message.link }),
    links,
  }
}
