/** Slack: `chat.postMessage` and `chat.update` with a thread for each incident, or an incoming webhook. https://docs.slack.dev */
import { type Attempt, Rejected } from '../../pipeline/component.ts'
import type { Channel, DiagnosisNotice, IncidentNotice, Place } from './channel.ts'
import type { SlackSettings } from './config.ts'
import { diagnosisMessage, failureText, incidentMessage, type Message, updateMessage, type Wording } from './message.ts'
import { type Answered, expectOk, type Post, quoted } from './post.ts'

/** Of the Web API's errors those that pass; the others need a person. */
const passing = new Set([
  'ratelimited',
  'rate_limited',
  'service_unavailable',
  'internal_error',
  'fatal_error',
  'request_timeout',
  'team_added_to_org',
])
/** The first message cannot be changed any more; the thread still can have another. */
const isPast = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'is_inactive'])
const maxSectionChars = 2_900
const maxBlocks = 20

export function slackChannel(settings: SlackSettings, post: Post, wording: () => Wording): Channel {
  const send = settings.token === '' ? webhookSender(settings, post) : apiSender(settings, post)
  const mention = settings.mention === '' ? '' : `${settings.mention} `
  return {
    incident: (notice, attempt) => send.incident(notice, incidentTexts(notice, wording(), mention), attempt),
    diagnosis: (notice, attempt) => {
      const { diagnosis, title, failure, told } = notice
      const message = diagnosisMessage(diagnosis, told === undefined ? title : undefined, wording())
      return send.diagnosis(notice, contentOf(withFailure(message, failure), ''), attempt)
    },
  }
}

interface Content {
  readonly text: string
  readonly blocks: readonly object[]
}
interface Texts {
  readonly whole: Content
  readonly update: Content
}
interface Sender {
  incident(notice: IncidentNotice, texts: Texts, attempt: Attempt): Promise<Place | undefined>
  diagnosis(notice: DiagnosisNotice, content: Content, attempt: Attempt): Promise<Place | undefined>
}

function incidentTexts({ incident, told, failure }: IncidentNotice, wording: Wording, mention: string): Texts {
  const isOpen = incident.state === 'open'
  const wakes = incident.wakes && isOpen && incident.maintenance === undefined
  const whole = contentOf(incidentMessage(incident, wording, failure), wakes ? mention : '')
  if (told === undefined) return { whole, update: whole }
  const update = withFailure(updateMessage(incident, told, wording), failure)
  return { whole, update: contentOf(update, wakes && !told.wakes ? mention : '') }
}

function apiSender(settings: SlackSettings, post: Post): Sender {
  const headers = { authorization: `Bearer ${settings.token}` }
  const call = async (method: string, body: object, { signal }: Attempt): Promise<ApiAnswer> =>
    readApiAnswer(method, await post(`${settings.api_url.replace(/\/$/, '')}/${method}`, headers, body, signal))
  const message = async (channel: string, content: Content, rest: object, attempt: Attempt): Promise<Place> => {
    const answer = await call('chat.postMessage', { channel, ...content, ...quiet, ...rest }, attempt)
    // The API wants the channel's id for updates; it takes a name only for messages.
    return { channel: answer.channel ?? channel, ts: answer.ts ?? '' }
  }
  return {
    async incident({ incident, told, isNews }, { whole, update }, attempt) {
      const { channel = '', ts = '' } = told?.place ?? {}
      if (told === undefined || ts === '') {
        const contact = settings.owner_contact ? incident.contacts?.['slack'] : undefined
        return message(contact ?? settings.channel, whole, {}, attempt)
      }
      await call('chat.update', { channel, ts, ...whole }, attempt).catch((error: unknown) => {
        if (!(error instanceof ApiRefusal && isPast.has(error.code))) throw error
      })
      const isLouder = incident.wakes && !told.wakes
      if (isNews)
        await message(channel, update, { thread_ts: ts, ...(isLouder ? { reply_broadcast: true } : {}) }, attempt)
      return { channel, ts }
    },
    async diagnosis({ told }, content, attempt) {
      const { channel = settings.channel, ts = '' } = told?.place ?? {}
      const sent = await message(channel, content, ts === '' ? {} : { thread_ts: ts }, attempt)
      return ts === '' ? sent : { channel, ts }
    },
  }
}

/** Messages of ours are not about the pages that they link to. */
const quiet = { unfurl_links: false, unfurl_media: false }

function webhookSender({ webhook_url }: SlackSettings, post: Post): Sender {
  const send = async (content: Content, { signal }: Attempt): Promise<Place> => {
    expectOk('the Slack webhook', await post(webhook_url, {}, content, signal))
    return {}
  }
  return {
    incident: async ({ isNews }, { update }, attempt) => (isNews ? send(update, attempt) : undefined),
    diagnosis: (_, content, attempt) => send(content, attempt),
  }
}

class ApiRefusal extends Rejected {
  readonly code: string

  constructor(code: string, message: string, waitMs: number | undefined) {
    super(message, { retryable: passing.has(code), ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) })
    this.code = code
  }
}

interface ApiAnswer {
  readonly channel?: string
  readonly ts?: string
}

/** Errors come with status 200; only 429 and those of servers on the way have others. */
function readApiAnswer(method: string, answered: Answered): ApiAnswer {
  const { status, body, retryAfterMs } = answered
  let answer: { ok?: unknown; error?: unknown; channel?: unknown; ts?: unknown }
  try {
    answer = JSON.parse(body) as typeof answer
  } catch {
    expectOk(`Slack, ${method},`, answered)
    throw new Rejected(`Slack, ${method}, answered what is no JSON${quoted(body)}`, { retryable: true })
  }
  if (typeof answer !== 'object' || answer === null)
    throw new Rejected(`Slack, ${method}, answered what is no object`, { retryable: true })
  if (status === 200 && answer.ok === true) {
    const { channel, ts } = answer
    return { ...(typeof channel === 'string' ? { channel } : {}), ...(typeof ts === 'string' ? { ts } : {}) }
  }
  const code = typeof answer.error === 'string' ? answer.error : ''
  if (code === '' || (status >= 500 && !passing.has(code)))
    expectOk(`Slack, ${method},`, { ...answered, status: status === 200 ? 500 : status })
  const known = status === 429 ? 'ratelimited' : code
  throw new ApiRefusal(known, `Slack, ${method}: ${known}${cure(known)}`, retryAfterMs)
}

function cure(code: string): string {
  switch (code) {
    case 'not_in_channel':
      return '; invite the app to the channel'
    case 'channel_not_found':
      return '; check slack::channel, and invite the app where it is private'
    case 'invalid_auth':
    case 'not_authed':
    case 'account_inactive':
    case 'token_revoked':
    case 'token_expired':
      return '; check slack::token'
    case 'missing_scope':
      return '; give the app the scope chat:write'
    default:
      return ''
  }
}

function contentOf(message: Message, mention: string): Content {
  const { headline, facts, link } = message
  const title =
    link === undefined ? `*${escaped(headline)}*` : `*<${escaped(link)}|${escaped(headline).replaceAll('|', '¦')}>*`
  const sections = facts.map(({ label, lines }) => {
    const text = lines.length === 1 ? escaped(lines[0]!) : lines.map((one) => `\n• ${escaped(one)}`).join('')
    return cut(`*${escaped(label)}:* ${text}`)
  })
  const blocks = [cut(`${mention}${title}`), ...sections]
    .slice(0, maxBlocks)
    .map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }))
  return { text: cut(`${mention}${escaped(headline)}`), blocks }
}

function withFailure(message: Message, failure: IncidentNotice['failure']): Message {
  if (failure === undefined || message.facts.some(({ label }) => label === 'Not delivered')) return message
  return { ...message, facts: [{ label: 'Not delivered', lines: [failureText(failure)] }, ...message.facts] }
}

/** What telemetry says must not mention a channel, nor be a link. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string): string {
  return text.length <= maxSectionChars ? text : `${text.slice(0, maxSectionChars)}…`
}
