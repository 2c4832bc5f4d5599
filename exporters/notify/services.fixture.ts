/** Loopback servers that answer as the real services do, and a mail server that speaks enough SMTP. */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { after } from 'node:test'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly text?: string
}
type Answers = Readonly<Record<'slack' | 'pagerduty', Readonly<Record<string, Answer>>>>
/** As the services' documentation has them. */
export const answers = JSON.parse(readFileSync(new URL('testdata/answers.json', import.meta.url), 'utf8')) as Answers

export interface Asked {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly raw: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into what was posted.
  readonly body: any
}
export interface Service {
  readonly url: string
  readonly asked: Asked[]
  /** What the next requests get; then `usual`. `hang` = nothing ever, `drop` = the connection ends. */
  readonly next: (Answer | 'hang' | 'drop')[]
  usual: (asked: Asked) => Answer | 'hang' | 'drop'
}

export async function service(usual: Service['usual']): Promise<Service> {
  const server = http.createServer((incoming, response) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      const raw = Buffer.concat(parts).toString()
      const asked = { path: incoming.url ?? '', headers: incoming.headers, raw, body: parsed(raw) }
      made.asked.push(asked)
      const answer = made.next.shift() ?? made.usual(asked)
      if (answer === 'hang') return
      if (answer === 'drop') return void incoming.socket.destroy()
      const text = answer.text ?? JSON.stringify(answer.body)
      const type = answer.text === undefined ? 'application/json; charset=utf-8' : 'text/plain'
      response.writeHead(answer.status, { 'content-type': type, ...answer.headers }).end(text)
    })
  })
  const port = await listen(server)
  after(() => server.closeAllConnections())
  const made: Service = { url: `http://127.0.0.1:${port}`, asked: [], next: [], usual }
  return made
}

/** Each message has a `ts` of its own, and updates want the channel's id. */
export function slack(): Promise<Service> {
  let messages = 0
  return service(({ path, body }) => {
    const posted = answers.slack['posted'] as Answer
    if (path === '/chat.postMessage')
      return { ...posted, body: { ...(posted.body as object), ts: `150343595${++messages}.000247` } }
    if (path === '/chat.update' && body.channel === 'C123ABC456') return answers.slack['updated'] as Answer
    return { status: 200, body: { ok: false, error: 'channel_not_found' } }
  })
}

export interface MailServer {
  readonly port: number
  readonly mails: { readonly from: string; readonly to: readonly string[]; readonly data: string }[]
  /** What the next DATA, or the next MAIL, is answered with instead. */
  readonly refusals: string[]
}

export async function mailServer(): Promise<MailServer> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    converse(socket, made)
  })
  const made: MailServer = { port: await listen(server), mails: [], refusals: [] }
  after(() => {
    for (const socket of sockets) socket.destroy()
  })
  return made
}

function converse(socket: net.Socket, server: MailServer): void {
  let [from, data, rest] = ['', '', '']
  let to: string[] = []
  let isData = false
  const say = (line: string) => void socket.write(`${line}\r\n`)
  const take = (line: string) => {
    if (isData) {
      if (line !== '.') data += `${line}\n`
      else {
        isData = false
        server.mails.push({ from, to, data })
        say('250 2.0.0 Ok: queued')
      }
      return
    }
    const verb = line.slice(0, 4).toUpperCase()
    const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
    if (verb === 'EHLO') say('250-mail.test\r\n250 8BITMIME')
    else if (verb === 'MAIL') {
      const refusal = server.refusals.shift()
      ;[from, to, data] = [address, [], '']
      say(refusal ?? '250 2.1.0 Ok')
    } else if (verb === 'RCPT') {
      to.push(address)
      say('250 2.1.5 Ok')
    } else if (verb === 'DATA') {
      isData = true
      say('354 End data with <CR><LF>.<CR><LF>')
    } else if (verb === 'QUIT') {
      say('221 2.0.0 Bye')
      socket.end()
    } else say('502 5.5.1 Command not implemented')
  }
  socket.on('data', (part: Buffer) => {
    const lines = (rest + part.toString()).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
  say('220 mail.test ESMTP')
}

async function listen(server: http.Server | net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => void server.close())
  return (server.address() as AddressInfo).port
}

function parsed(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
