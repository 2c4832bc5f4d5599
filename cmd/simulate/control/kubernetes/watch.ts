/** Watches: each change of a collection as a line, to everybody who asked for it, until he goes or reads too slowly. */
import type { ServerResponse } from 'node:http'
import { type KubeObject, StatusError } from './object.ts'
import type { Selector } from './select.ts'
import type { Change, Store } from './store.ts'

const maxWatches = 200
/** A client that leaves so much unread has stopped reading. */
const maxUnreadBytes = 16 * 1024 * 1024
const bookmarkMs = 5_000
/** How often the world is looked at while somebody watches. */
const lookMs = 100
/** What a timer can wait for. */
const longestMs = 2 ** 31 - 1

export interface WatchOptions {
  readonly collection: string
  readonly apiVersion: string
  readonly kind: string
  readonly isMine: Selector
  /** Undefined: begin with what there is. */
  readonly since: number | undefined
  readonly wantsBookmarks: boolean
  /** A bookmark says where what there was at the beginning ends. */
  readonly marksInitialEnd: boolean
  readonly timeoutSeconds: number | undefined
}

export class Watches {
  private readonly store: Store
  private readonly look: (collection: string) => void
  private readonly open = new Map<ServerResponse, string>()
  private timer: NodeJS.Timeout | undefined

  /** `look` brings a collection up to date. */
  constructor(store: Store, look: (collection: string) => void) {
    this.store = store
    this.look = look
  }

  /** Throws where it cannot begin. */
  begin(options: WatchOptions): (response: ServerResponse) => void {
    const { store } = this
    const { collection, since, isMine } = options
    if (this.open.size >= maxWatches)
      throw new StatusError('TooManyRequests', `there are ${maxWatches} watches already`)
    this.look(collection)
    const missed = since === undefined ? undefined : store.since(collection, since)
    return (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
      const send = (type: string, object: unknown) => {
        response.write(`${JSON.stringify({ type, object })}\n`)
        if (response.writableLength > maxUnreadBytes) response.destroy()
      }
      const tell = (change: Change) => {
        if (change.collection !== collection) return
        const type = typeFor(change, isMine)
        if (type !== undefined) send(type, change.object)
      }
      const bookmark = (annotations?: Readonly<Record<string, string>>) => {
        const { apiVersion, kind } = options
        const metadata = { resourceVersion: String(store.version), creationTimestamp: null, annotations }
        send('BOOKMARK', { apiVersion, kind, metadata })
      }
      if (missed === undefined) for (const object of store.list(collection)) if (isMine(object)) send('ADDED', object)
      for (const change of missed ?? []) tell(change)
      if (options.marksInitialEnd) bookmark({ 'k8s.io/initial-events-end': 'true' })
      response.flushHeaders()
      store.listeners.add(tell)
      this.open.set(response, collection)
      const marks = options.wantsBookmarks ? setInterval(() => bookmark(), bookmarkMs).unref() : undefined
      const { timeoutSeconds } = options
      const end =
        timeoutSeconds === undefined
          ? undefined
          : setTimeout(() => response.end(), Math.min(longestMs, timeoutSeconds * 1_000)).unref()
      response.once('close', () => {
        store.listeners.delete(tell)
        this.open.delete(response)
        clearInterval(marks)
        clearTimeout(end)
        if (this.open.size > 0) return
        clearInterval(this.timer)
        this.timer = undefined
      })
      this.timer ??= setInterval(() => {
        for (const one of new Set(this.open.values())) this.look(one)
      }, lookMs).unref()
    }
  }
}

/** What comes into or goes out of a selection is added or deleted for who watches only that. */
function typeFor({ type, object, before }: Change, isMine: Selector): Change['type'] | undefined {
  const is = isMine(object)
  if (type !== 'MODIFIED') return is ? type : undefined
  const was = before !== undefined && isMine(before as KubeObject)
  if (is) return was ? 'MODIFIED' : 'ADDED'
  return was ? 'DELETED' : undefined
}
