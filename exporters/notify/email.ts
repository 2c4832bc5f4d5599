/** Mail over SMTP, one thread an incident: what comes later answers the first mail. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { SentMessageInfo, Transporter } from 'nodemailer'
import { type Attempt, Rejected } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { Effects } from '../../pipeline/net/effects.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import type { Channel, Place } from './channel.ts'
import type { EmailSettings } from './config.ts'
import {
  diagnosisMessage,
  failureText,
  incidentMessage,
  line,
  type Message,
  plainText,
  updateMessage,
  type Wording,
} from './message.ts'

export interface EmailParts {
  readonly effects: Effects
  readonly logger: Logger
  readonly wording: () => Wording
}
interface Mail {
  /** Says what the mail is about and no other, so that a repetition has the same Message-ID. */
  readonly key: string
  readonly to: readonly string[]
  readonly message: Message
  readonly isUrgent: boolean
  /** The place of the first mail. */
  readonly first: Place | undefined
}

const implicitTlsPort = 465
const maxIdChars = 64

export function emailChannel(settings: EmailSettings, { effects, logger, wording }: EmailParts): Channel {
  let transport: Transporter<SentMessageInfo> | undefined
  const domain = /@([\w.-]+)/.exec(settings.from)?.[1] ?? 'vigil.invalid'
  const send = async ({ key, to, message, isUrgent, first }: Mail, { signal }: Attempt): Promise<Place> => {
    if (transport === undefined) throw new Error('the mail channel was not started')
    const messageId = `<vigil.${key.replaceAll(/[^\w.-]/g, '-').slice(-maxIdChars)}@${domain}>`
    const root = first?.['root']
    const subject = root === undefined ? message.headline : `Re: ${first?.['subject'] ?? message.headline}`
    try {
      const info = await transport.sendMail({
        from: settings.from,
        to: [...to],
        subject,
        text: plainText(message),
        messageId,
        ...(root === undefined ? {} : { inReplyTo: root, references: [root] }),
        headers: { 'Auto-Submitted': 'auto-generated', ...(isUrgent ? { Importance: 'high', 'X-Priority': '1' } : {}) },
        // What telemetry says is text; it names no files and no URLs to fetch.
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      })
      const refused = info.rejected?.length ?? 0
      if (refused > 0) logger.warn('The mail server refused some of the recipients.', { refused })
    } catch (error) {
      throw refusalOf(error)
    }
    return root === undefined ? { root: messageId, subject, to: to.join(',') } : (first as Place)
  }
  return {
    async start() {
      const { createTransport } = await import('nodemailer')
      transport = createTransport(await optionsOf(settings, effects))
    },
    async incident({ incident, told, isNews, failure }, attempt) {
      if (!isNews && failure === undefined) return undefined
      const message =
        told === undefined ? incidentMessage(incident, wording(), failure) : updateMessage(incident, told, wording())
      const contact = settings.owner_contact ? incident.contacts?.['email'] : undefined
      const suffix = failure === undefined ? '' : `.${failure.channel}`
      const mail = {
        key: `${incident.incident_id}.${incident.incident_revision}${suffix}`,
        to: told?.place['to']?.split(',') ?? (contact === undefined ? settings.to : [line(contact)]),
        message: withFailure(message, failure),
        isUrgent: incident.wakes && incident.state === 'open',
        first: told?.place,
      }
      return send(mail, attempt)
    },
    diagnosis({ diagnosis, told, title, failure }, attempt) {
      const mail = {
        key: `${diagnosis.incident_id}.${diagnosis.incident_revision}.diagnosis`,
        to: told?.place['to']?.split(',') ?? settings.to,
        message: withFailure(diagnosisMessage(diagnosis, title, wording()), failure),
        isUrgent: false,
        first: told?.place,
      }
      return send(mail, attempt)
    },
    close() {
      transport?.close()
      transport = undefined
    },
  }
}

async function optionsOf(settings: EmailSettings, effects: Effects) {
  const { host, port, tls, ca_file, username, password } = settings
  return {
    host,
    port,
    secure: port === implicitTlsPort && tls !== 'none',
    requireTLS: tls === 'required',
    ignoreTLS: tls === 'none',
    ...(username === '' ? {} : { auth: { user: username, pass: password } }),
    tls: {
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca_file === '' ? {} : { ca: await readFile(ca_file, 'utf8') }),
    },
    getSocket: (_: unknown, give: GiveSocket) => void openSocket(effects, host, port, give),
  }
}

type GiveSocket = (error: Error | null, socket?: { readonly connection: unknown }) => void

async function openSocket(effects: Effects, host: string, port: number, give: GiveSocket): Promise<void> {
  let connection: unknown
  try {
    connection = await effects.connect(host, port)
  } catch (error) {
    give(error as Error)
    return
  }
  give(null, { connection })
}

function withFailure(message: Message, failure: Parameters<Channel['incident']>[0]['failure']): Message {
  if (failure === undefined || message.facts.some(({ label }) => label === 'Not delivered')) return message
  return { ...message, facts: [{ label: 'Not delivered', lines: [failureText(failure)] }, ...message.facts] }
}

/** 4yz passes, 5yz does not (RFC 5321, 4.2.1); without an answer the network or the server may come back. */
function refusalOf(error: unknown): Rejected {
  const { responseCode, code } = error as { responseCode?: number; code?: string }
  const isOurs = code === 'ECONFIG' || code === 'EENVELOPE' || code === 'EMESSAGE'
  const retryable = responseCode === undefined ? !isOurs : responseCode < 500
  return new Rejected(`the mail server did not take it: ${line(errorMessage(error))}`, { retryable })
}
