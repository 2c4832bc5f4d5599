/** One HTTP/2 connection of a gRPC server: its age, its idleness, its pings. Defaults and strikes are grpc-go's (`internal/transport/http2_server.go`). */
import { constants, type ServerHttp2Session } from 'node:http2'
import type { Clock } from '../component.ts'
import type { GrpcServerSettings } from './grpc-server-keys.ts'
import { hostPort } from './listener.ts'

export interface SessionPolicy {
  readonly idleMs: number
  readonly ageMs: number
  readonly graceMs: number
  readonly pingMs: number
  readonly pingTimeoutMs: number
  readonly minPingMs: number
  readonly permitWithoutStream: boolean
}

const maxPingStrikes = 2
/** A client without calls may ping this often, whatever the policy says. */
const idlePingMs = 2 * 3_600_000
/** A connection that never sends its SETTINGS is no client. */
const handshakeMs = 120_000
/** How long a draining client has to hear of it before it may no longer open calls. */
const drainNoticeMs = 5_000
/** A client that said GOAWAY has so long to take its answers: when it is gone before they are, Node never closes the connection. */
const leaveMs = 120_000
const maxTimerMs = 2 ** 31 - 1
const maxStreamId = 2 ** 31 - 1

export function sessionPolicy({ keepalive }: Pick<GrpcServerSettings, 'keepalive'>): SessionPolicy {
  const server = keepalive?.server_parameters
  const policy = keepalive?.enforcement_policy
  return {
    idleMs: server?.max_connection_idle || Infinity,
    ageMs: server?.max_connection_age || Infinity,
    graceMs: server?.max_connection_age_grace || Infinity,
    pingMs: Math.max(1_000, server?.time || 7_200_000),
    pingTimeoutMs: server?.timeout || 20_000,
    minPingMs: policy?.min_time || 300_000,
    permitWithoutStream: policy?.permit_without_stream ?? false,
  }
}

export class GrpcSession {
  readonly #session: ServerHttp2Session
  readonly peer: string
  #policy: SessionPolicy
  #clock: Clock
  readonly #timers = new Set<() => void>()
  #idleTimer = () => {}
  #calls = 0
  #strikes = 0
  #lastPingMs = -Infinity
  /** Set by what we send: a ping that follows it is flow control, no keepalive. */
  #hasSent = false
  #isDraining = false
  #isLeaving = false
  #hasSettings = false
  #stopHandshake = () => {}

  constructor(session: ServerHttp2Session, policy: SessionPolicy, clock: Clock, random: () => number) {
    this.#session = session
    this.#policy = policy
    this.#clock = clock
    this.peer = hostPort(session.socket?.remoteAddress, session.socket?.remotePort)
    session.on('ping', () => this.#onPing())
    session.on('remoteSettings', () => {
      this.#hasSettings = true
      this.#stopHandshake()
    })
    session.on('goaway', () => {
      if (this.#isLeaving) return
      this.#isLeaving = true
      this.#after(leaveMs, () => this.destroy())
    })
    session.on('close', () => this.#disarm())
    this.arm(policy, clock, random)
  }

  get calls(): number {
    return this.#calls
  }

  /** Starts the timers, anew after a reload. */
  arm(policy: SessionPolicy, clock: Clock, random: () => number): void {
    this.#disarm()
    this.#policy = policy
    this.#clock = clock
    // Spread, so that a fleet that connected at once does not reconnect at once.
    this.#after(policy.ageMs * (0.9 + 0.2 * random()), () => {
      this.drain()
      this.#after(policy.graceMs, () => this.destroy())
    })
    if (!this.#hasSettings) this.#stopHandshake = this.#after(handshakeMs, () => this.destroy())
    if (this.#isLeaving) this.#after(leaveMs, () => this.destroy())
    this.#watch()
    if (this.#calls === 0) this.#armIdle()
  }

  callOpened(): void {
    if (this.#calls++ === 0) this.#idleTimer()
  }

  callClosed(): void {
    if (--this.#calls === 0 && !this.#session.closed) this.#armIdle()
  }

  responded(): void {
    this.#hasSent = true
  }

  /** Ends an idle connection at once: a call that is on its way is refused unprocessed, and its client repeats it elsewhere. */
  shutdown(): void {
    if (this.#calls > 0) this.drain()
    else if (!this.#session.destroyed) this.#session.close()
  }

  /** GOAWAY in two steps, so that calls which are on their way are not lost; closes when the calls are done. */
  drain(): void {
    if (this.#isDraining || this.#session.closed) return
    this.#isDraining = true
    let isClosing = false
    const close = () => {
      if (isClosing) return
      isClosing = true
      if (!this.#session.destroyed) this.#session.close()
    }
    try {
      this.#session.goaway(constants.NGHTTP2_NO_ERROR, maxStreamId)
      this.#after(drainNoticeMs, close)
      if (!this.#session.ping(close)) close()
    } catch {
      close()
    }
  }

  destroy(): void {
    this.#disarm()
    if (!this.#session.destroyed) this.#session.destroy()
  }

  #armIdle(): void {
    this.#idleTimer = this.#after(this.#policy.idleMs, () => this.drain())
  }

  #watch(): void {
    const bytesRead = this.#session.socket?.bytesRead
    this.#after(this.#policy.pingMs, () => {
      if (this.#session.destroyed) return
      if (this.#session.socket?.bytesRead !== bytesRead) return this.#watch()
      const cancel = this.#after(this.#policy.pingTimeoutMs, () => this.destroy())
      const isSent = this.#session.ping(() => {
        cancel()
        if (!this.#session.destroyed) this.#watch()
      })
      if (!isSent) this.destroy()
    })
  }

  #onPing(): void {
    const nowMs = this.#clock.nowMs()
    const sinceMs = nowMs - this.#lastPingMs
    this.#lastPingMs = nowMs
    if (this.#hasSent) {
      this.#hasSent = false
      this.#strikes = 0
      return
    }
    const isIdle = this.#calls === 0 && !this.#policy.permitWithoutStream
    if (sinceMs < (isIdle ? idlePingMs : this.#policy.minPingMs)) this.#strikes++
    if (this.#strikes <= maxPingStrikes || this.#session.destroyed) return
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
    // One turn later, so that the frame still goes out.
    setImmediate(() => this.destroy())
  }

  #after(ms: number, run: () => void): () => void {
    if (ms > maxTimerMs) return () => {}
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(stop)
      run()
    })
    const stop = () => {
      cancel()
      this.#timers.delete(stop)
    }
    this.#timers.add(stop)
    return stop
  }

  #disarm(): void {
    for (const stop of this.#timers) stop()
  }
}
