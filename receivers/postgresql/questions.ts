/** Asks for one collection: what fails is counted and said once, and the rest goes on. */
import type { Complaints } from '../../pipeline/scraping/complaints.ts'
import type { Query, Row } from '../../pipeline/sql/answer.ts'
import { type Ask, codeOf, isRefusal, mainDatabase } from './connections.ts'

/** What a server of another make or version does not have, and what the role may not read, by SQLSTATE. */
const absences: Readonly<Record<string, string>> = {
  '42P01': 'this server does not have it',
  '42703': 'this server does not have it',
  '42883': 'this server does not have it',
  '42704': 'this server does not have it',
  '0A000': 'this server does not have it',
  '55000': 'this server is not set up for it',
  '42501': 'the role may not read it: GRANT pg_monitor to it',
}

export class Questions {
  failures = 0
  readonly #ask: Ask
  readonly #complaints: Complaints
  readonly #signal: AbortSignal
  readonly #unreachable = new Set<string>()

  constructor(ask: Ask, complaints: Complaints, signal: AbortSignal) {
    this.#ask = ask
    this.#complaints = complaints
    this.#signal = signal
  }

  /** Undefined where there is no answer. Throws when nothing more is to be asked. */
  async ask(query: Query, database = mainDatabase): Promise<readonly Row[] | undefined> {
    if (this.#unreachable.has(database)) return undefined
    const unread = `PostgreSQL did not answer the query ${query.name} in the database ${database}.`
    const unreached = `The database ${database} of PostgreSQL was not reached.`
    try {
      const rows = await this.#ask(query, database, this.#signal)
      this.#complaints.worked(unread)
      this.#complaints.worked(unreached)
      return rows
    } catch (error) {
      this.#signal.throwIfAborted()
      this.failures++
      const absence = absences[codeOf(error) ?? '']
      if (absence !== undefined) this.#complaints.failed(`${unread.slice(0, -1)}: ${absence}.`, error, 'warn')
      else if (isRefusal(error) && !isNoConnection(error)) this.#complaints.failed(unread, error)
      else {
        this.#unreachable.add(database)
        this.#complaints.failed(unreached, error)
      }
      return undefined
    }
  }
}

/** Refused at the door: no such database, no right to connect, a wrong password, too many connections. */
function isNoConnection(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  return (
    code === '3D000' ||
    code.startsWith('28') ||
    code === '53300' ||
    (error as { severity?: string }).severity === 'FATAL'
  )
}
