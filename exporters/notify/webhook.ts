/** JSON to a URL of the user's, signed as Standard Webhooks say: https://www.standardwebhooks.com, specification 1.0. */
import { createHmac } from 'node:crypto'
import type { Attempt, Clock } from '../../pipeline/component.ts'
import type { Channel } from './channel.ts'
import type { WebhookSettings } from './config.ts'
import { diagnosisMessage, type Failure, incidentMessage, type Message, plainText, type Wording } from './message.ts'
import { expectOk, type Post } from './post.ts'
import { fill } from './template.ts'

const prefix = 'whsec_'

export function webhookChannel(settings: WebhookSettings, post: Post, clock: Clock, wording: () => Wording): Channel {
  const key = settings.secret === '' ? undefined : keyOf(settings.secret)
  const headers = Object.fromEntries(settings.headers.map(([name, value]) => [name.toLowerCase(), value]))
  const send = async (event: Sent, { signal }: Attempt) => {
    const values = {
      event: event.name,
      text: plainText(event.message),
      ...event.message,
      ...event.values,
      failure: event.failure ?? null,
    }
    const body = JSON.stringify(settings.body === undefined ? values : fill(settings.body, values))
    const seconds = String(clock.nowUnixNano() / 1_000_000_000n)
    const id = event.failure === undefined ? event.id : `${event.id}.${event.failure.channel}`
    const signature =
      key === undefined
        ? {}
        : { 'webhook-signature': `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}` }
    const sent = { 'webhook-id': id, 'webhook-timestamp': seconds, ...signature }
    expectOk('the webhook', await post(settings.url, { ...headers, ...sent }, body, signal))
    return {}
  }
  return {
    async incident({ incident, isNews, failure }, attempt) {
      if (!isNews && failure === undefined) return undefined
      const message = incidentMessage(incident, wording(), failure)
      return send({ name: 'vigil.incident', id: incident.id, message, values: { incident }, failure }, attempt)
    },
    diagnosis({ diagnosis, title, failure }, attempt) {
      const message = diagnosisMessage(diagnosis, title, wording())
      return send({ name: 'vigil.diagnosis', id: diagnosis.id, message, values: { diagnosis }, failure }, attempt)
    },
  }
}

interface Sent {
  readonly name: string
  /** Of the event: the same thing twice has the same. */
  readonly id: string
  readonly message: Message
  readonly values: object
  readonly failure: Failure | undefined
}

function keyOf(secret: string): Buffer {
  return secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret)
}
