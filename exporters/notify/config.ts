import { z } from 'zod'
import { componentId, duration, headers, list, optional, secret } from '../../pipeline/config/fields.ts'
import { type SendingSettings, sendingKeys } from '../../pipeline/export/sending.ts'
import { httpClientKeys, isHttpUrl } from '../../pipeline/net/http-client-keys.ts'
import { clientTlsKeys } from '../../pipeline/net/tls.ts'
import { priorities } from '../../pipeline/vocabulary/incident.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { templateProblem } from './template.ts'

const url = () => z.string().refine(isHttpUrl, { error: 'must be a URL, starting with http:// or https://' })
const secretUrl = () => secret().refine(isHttpUrl, { error: 'must be a URL, starting with http:// or https://' })

const slack = z
  .strictObject({
    token: secret()
      .default('')
      .describe(
        'Token of a bot (`xoxb-...`) with `chat:write`: messages by `chat.postMessage`, with updates in the thread.',
      ),
    channel: z.string().default('').describe('Of `token`: where to, an id or a name.'),
    webhook_url: secret()
      .default('')
      .describe('An incoming webhook instead: it knows no threads, so that each update is a message.'),
    mention: z
      .string()
      .default('')
      .describe('Put before what wakes, and only that: `<!here>`, `<!subteam^S012AB3CD>`, `<@U012AB3CD>`.'),
    owner_contact: z
      .boolean()
      .default(false)
      .describe(
        'To the Slack channel that the service catalogue names for the owner, where it does; telemetry may have a say in it.',
      ),
    api_url: url().default('https://slack.com/api').describe('Where the Web API is.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, path: string[]) => context.addIssue({ code: 'custom', message, path })
    const { token, channel, webhook_url } = settings
    if ((token === '') === (webhook_url === '')) problem('set either token, with channel, or webhook_url', [])
    else if (token !== '' && channel === '') problem('name the channel that messages go to', ['channel'])
    if (webhook_url !== '' && !isHttpUrl(webhook_url)) problem('must be a URL, starting with https://', ['webhook_url'])
    if (webhook_url !== '' && settings.owner_contact) problem('a webhook has one channel; use token', ['owner_contact'])
  })

const pagerduty = z.strictObject({
  routing_key: secret().describe('Integration key of an Events API v2 integration.'),
  routing_keys: z
    .record(z.string(), secret())
    .default({})
    .describe('Other keys by owner, where an owner has a PagerDuty service of their own.'),
  tickets: z.boolean().default(false).describe('Also send what wakes nobody, with severity `warning` at most.'),
  url: url()
    .default('https://events.pagerduty.com/v2/enqueue')
    .describe('Where events are posted; in the EU `https://events.eu.pagerduty.com/v2/enqueue`.'),
})

const email = z
  .strictObject({
    host: z.string().min(1).describe('The SMTP server.'),
    port: z.int().min(1).max(65_535).default(587).describe('Its port; 465 speaks TLS from the start.'),
    tls: z
      .enum(['required', 'offered', 'none'])
      .default('required')
      .describe(
        '`required`: STARTTLS or nothing (port 465: TLS from the start). `offered`: where the server offers it. `none`: never.',
      ),
    ca_file: z
      .string()
      .default('')
      .describe('CA certificates (PEM) that the server is verified with, instead of the usual ones.'),
    username: z.string().default('').describe('To log in with; empty = no login.'),
    password: secret().default('').describe('To log in with.'),
    from: z.string().min(3).describe('The sender: `Vigil <vigil@example.com>`.'),
    to: list(z.string().min(3))
      .refine((all) => all.length > 0, { error: 'name at least one recipient' })
      .describe('Who gets it.'),
    owner_contact: z
      .boolean()
      .default(false)
      .describe(
        'To the mail address that the service catalogue names for the owner, where it does; telemetry may have a say in it.',
      ),
  })
  .refine(({ tls, password }) => tls === 'required' || password === '', {
    error: 'a password needs tls: required, or it could be read on the way',
    path: ['tls'],
  })

const webhook = z.strictObject({
  url: secretUrl().describe('Where to post.'),
  secret: secret()
    .default('')
    .describe(
      'Signs each request as Standard Webhooks say (`webhook-signature: v1,...`); `whsec_` and base64, or any text. Empty = not signed.',
    ),
  headers: headers().describe('Sent with each request.'),
  body: z
    .unknown()
    .superRefine((value, context) => {
      const message = templateProblem(value)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .optional()
    .describe(
      'The JSON to post, with `{{ path }}` in its texts for what it says of the notice; without it everything.',
    ),
})

const sending = { queue: true, retry: true, timeoutMs: 10_000 } as const

const channel = z
  .strictObject({
    slack: optional(slack, 'off').describe('Slack.'),
    pagerduty: optional(pagerduty, 'off').describe('PagerDuty, Events API v2.'),
    email: optional(email, 'off').describe('Mail over SMTP.'),
    webhook: optional(webhook, 'off').describe('JSON to a URL.'),
    events: list(z.enum(['incident', 'diagnosis']))
      .default(['incident', 'diagnosis'])
      .describe('What it is told of.'),
    fallback: z
      .string()
      .optional()
      .describe('The channel that is told what this one does not take, and that it does not.'),
    fallback_after: duration()
      .default(30_000)
      .describe(
        'For so long it may fail in ways that pass before the fallback is told; what cannot pass is told at once.',
      ),
    ...sendingKeys(sending).shape,
  })
  .superRefine((settings, context) => {
    const count = [settings.slack, settings.pagerduty, settings.email, settings.webhook].filter(
      (one) => one !== undefined,
    ).length
    if (count !== 1)
      context.addIssue({ code: 'custom', message: 'set exactly one of: slack, pagerduty, email, webhook' })
    if (settings.fallback_after < 0)
      context.addIssue({ code: 'custom', message: 'must not be negative', path: ['fallback_after'] })
  })

const texts = () => list(z.string()).optional()
const route = z.strictObject({
  owner: texts().describe('Whose it is: any of these teams. Without it, anybody.'),
  priority: list(z.enum(priorities)).optional().describe('Any of these priorities.'),
  wakes: z.boolean().optional().describe('Only what may wake a person, or only what may not.'),
  blind: z.boolean().optional().describe('Only what says that telemetry is missing, or only the rest.'),
  service: texts().describe('Any of these services, by the entity that the incident is about.'),
  environment: texts().describe('Any of these environments.'),
  channels: list(z.string()).describe('Where it goes.'),
  continue: z.boolean().default(false).describe('Go on to the routes below.'),
})
export type Route = z.output<typeof route>

const heartbeat = z.strictObject({
  url: secretUrl().describe('What an outside watchdog gave you: it tells somebody when nothing comes any more.'),
  interval: duration().default(60_000).describe('How often it is posted to.'),
  max_silence: duration()
    .default(180_000)
    .describe(
      'When nothing came over the stream for so long, or a page could not be delivered for so long, it is not posted.',
    ),
})

export const config = z
  .strictObject({
    channels: z
      .record(z.string().regex(/^[\w.-]+$/, 'letters, digits, `_`, `.` and `-`'), channel)
      .describe('Where notices can go, by a name of your own.'),
    routes: z
      .array(route)
      .default([])
      .describe('Who is told what: the first that fits decides. Without any, all channels are told everything.'),
    heartbeat: optional(heartbeat, 'off').describe('A sign of life to the outside, as long as the stream is alive.'),
    link: z
      .string()
      .default('')
      .describe('URL of an incident for people, with `{id}` for its id: `https://vigil.example.com/incidents/{id}`.'),
    time_zone: z.string().default('UTC').describe('Of the times in messages: `Europe/Berlin`.'),
    storage: componentId()
      .optional()
      .describe(
        'A storage extension that keeps what was told, and the queues of the channels: without it a restart forgets both.',
      ),
    max_incidents: z
      .int()
      .min(1)
      .default(5_000)
      .describe('Of so many incidents it is known what was told where; the oldest is forgotten for a new one.'),
    proxy_url: httpClientKeys.shape.proxy_url,
    tls: clientTlsKeys.prefault({}).describe('TLS of `https://` services.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, path: (string | number)[]) => context.addIssue({ code: 'custom', message, path })
    const names = Object.keys(settings.channels)
    if (names.length === 0) problem('name at least one channel', ['channels'])
    const unknown = (name: string) => `there is no channel "${name}"; there are ${names.join(', ')}`
    for (const [i, { channels }] of settings.routes.entries()) {
      if (channels.length === 0) problem('name at least one channel', ['routes', i, 'channels'])
      for (const name of channels) if (!names.includes(name)) problem(unknown(name), ['routes', i, 'channels'])
    }
    for (const [name, { fallback }] of Object.entries(settings.channels)) {
      if (fallback === undefined) continue
      if (!names.includes(fallback)) problem(unknown(fallback), ['channels', name, 'fallback'])
      else if (isCircle(settings.channels, name))
        problem('the fallbacks go round in a circle', ['channels', name, 'fallback'])
    }
    if (settings.link !== '' && !isHttpUrl(settings.link.replaceAll('{id}', '0'))) problem('must be a URL', ['link'])
    try {
      new LocalTime(settings.time_zone)
    } catch {
      problem(`there is no time zone ${JSON.stringify(settings.time_zone)}; write one like Europe/Berlin`, [
        'time_zone',
      ])
    }
    for (const key of ['interval', 'max_silence'] as const)
      if (settings.heartbeat !== undefined && settings.heartbeat[key] <= 0)
        problem('must be greater than 0', ['heartbeat', key])
  })
export type Config = z.output<typeof config>
export type SlackSettings = z.output<typeof slack>
export type PagerDutySettings = z.output<typeof pagerduty>
export type EmailSettings = z.output<typeof email>
export type WebhookSettings = z.output<typeof webhook>
export type HeartbeatSettings = z.output<typeof heartbeat>
export type ChannelSettings = Omit<z.output<typeof channel>, keyof SendingSettings> & SendingSettings

function isCircle(
  channels: Readonly<Record<string, { readonly fallback?: string | undefined }>>,
  from: string,
): boolean {
  const seen = new Set<string>()
  for (let at: string | undefined = from; at !== undefined; at = channels[at]?.fallback) {
    if (seen.has(at)) return true
    seen.add(at)
  }
  return false
}
