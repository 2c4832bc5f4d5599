/** The thread with the database: one question after another. */
import { parentPort, workerData } from 'node:worker_threads'
import { StateStoreError } from '../../pipeline/capability/state-store.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Database } from './database.ts'
import type { Answers, Ask, DatabaseSettings, NotStarted, Request, Response, Started } from './messages.ts'

const port = parentPort!
const database = start()

function start(): Database | undefined {
  try {
    const opened = new Database(workerData as DatabaseSettings)
    const { setAside } = opened
    port.postMessage({ started: true, ...(setAside === undefined ? {} : { setAside }) } satisfies Started)
    return opened
  } catch (error) {
    port.postMessage({ started: false, why: errorMessage(error) } satisfies NotStarted)
    return undefined
  }
}

if (database !== undefined) {
  port.on('message', ({ id, ask }: Request) => {
    try {
      port.postMessage({ id, answer: answer(database, ask) } satisfies Response)
    } catch (error) {
      const reason = error instanceof StateStoreError ? error.reason : 'failed'
      port.postMessage({ id, error: errorMessage(error), reason } satisfies Response)
    }
    if (ask.kind === 'close') port.close()
  })
}

function answer(to: Database, ask: Ask): Answers[Ask['kind']] {
  switch (ask.kind) {
    case 'open':
      return { foundVersion: to.open(ask.owner, ask.version) }
    case 'commit':
      to.commit(ask.owner, ask.changes)
      return undefined
    case 'read':
      return to.read(ask.owner, ask.query, ask.after)
    case 'size':
      return { bytes: to.bytes }
    case 'close':
      to.close()
      return undefined
  }
}
