/** Sockets to the outside world, for what acts there: notifiers, executors. */
import { connect, type Socket } from 'node:net'
import { HttpClient, type HttpClientParts } from './http-client.ts'
import type { HttpClientSettings } from './http-client-keys.ts'

export interface Effects {
  http(settings: HttpClientSettings, parts: HttpClientParts): HttpClient
  /** A TCP connection. Rejects when there is none. */
  connect(host: string, port: number): Promise<Socket>
}

const connectTimeoutMs = 30_000

/** What a live `run` grants. */
export const liveEffects: Effects = {
  http: (settings, parts) => new HttpClient(settings, parts),
  connect: (host, port) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, timeout: connectTimeoutMs })
      const fail = (error: Error) => {
        socket.destroy()
        reject(error)
      }
      const tooSlow = () => fail(new Error(`no connection to ${host}:${port} within ${connectTimeoutMs} ms`))
      socket.once('timeout', tooSlow)
      socket.once('error', fail)
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.off('timeout', tooSlow)
        socket.off('error', fail)
        resolve(socket)
      })
    }),
}
