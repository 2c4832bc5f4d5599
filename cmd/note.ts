/** `note "text"`: tells a running Vigil, by its receiver `changes`, what a person did. */
import { userInfo } from 'node:os'
import { type Command, Option } from 'commander'
import { errorMessage } from '../pipeline/error-message.ts'
import { changeSchema } from '../pipeline/vocabulary/change.ts'
import type { CommandContext } from './command.ts'

interface Flags {
  readonly endpoint: string
  readonly service?: string
  readonly environment?: string
  readonly by?: string
  readonly kind: string
  readonly time?: string
  readonly output: 'text' | 'json'
}

const timeoutMs = 10_000

export function register(program: Command, { stdout, env }: CommandContext): void {
  program
    .command('note')
    .argument('<text>', 'what was done')
    .description('Tells a running collector what you changed, by its receiver changes')
    .option('--endpoint <url>', 'where the receiver listens', 'http://localhost:4393')
    .option('--service <name>', 'what you changed; nothing = the system')
    .option('--environment <name>', 'its environment')
    .option('--by <name>', 'who did it; nothing = you')
    .option('--time <time>', 'when, as 2026-01-31T10:00:00Z; nothing = now')
    .addOption(
      new Option('--kind <kind>', 'what kind of change').choices(changeSchema.shape.kind.options).default('human'),
    )
    .addOption(new Option('--output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nA token of the receiver is read from the environment variable VIGIL_NOTE_TOKEN.')
    .action(async (text: string, flags: Flags) => {
      const { service, environment, by = userName(), kind, time = new Date().toISOString(), output } = flags
      const note = { text, service, environment, by, kind, time }
      const message = await post(noteUrl(flags.endpoint), note, env.VIGIL_NOTE_TOKEN ?? '')
      stdout.write(output === 'json' ? `${JSON.stringify({ note, message })}\n` : `Noted: ${text}\n`)
    })
}

/** `/note`, unless the endpoint has a path of its own. */
function noteUrl(endpoint: string): URL {
  const text = /^https?:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`
  if (!URL.canParse(text))
    throw new Error(`invalid argument "${endpoint}" for "--endpoint" flag: write a URL, like http://localhost:4393`)
  const url = new URL(text)
  if (url.pathname === '/') url.pathname = '/note'
  return url
}

async function post(url: URL, note: object, token: string): Promise<string> {
  let answer: Response
  let body: string
  try {
    answer = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(note),
      headers: { 'content-type': 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(timeoutMs),
    })
    body = (await answer.text()).slice(0, 4_096)
  } catch (error) {
    const { cause } = error as Error
    throw new Error(
      `could not reach ${url.href}: ${errorMessage(cause ?? error)}\nIs a collector running with the receiver changes? Say where with --endpoint.`,
      { cause: error },
    )
  }
  const said = wordsOf(body)
  if (answer.ok) return said
  const cure =
    answer.status === 401 ? '\nPut the token of the receiver into the environment variable VIGIL_NOTE_TOKEN.' : ''
  throw new Error(`${url.href} answered ${answer.status}: ${said}${cure}`)
}

/** Of the receiver's JSON, or the body of whoever else answered. */
function wordsOf(body: string): string {
  try {
    const { error, message } = JSON.parse(body) as { readonly error?: unknown; readonly message?: unknown }
    if (typeof error === 'string') return error
    if (typeof message === 'string') return message
  } catch {
    // Not the receiver's.
  }
  return body.trim()
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may have no such user.
    return ''
  }
}
