import { setTimeout as wait } from 'node:timers/promises'
import { type Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { exportLogs, GrpcLogsClient } from '../../pipeline/testing/grpc-logs-client.ts'
import { request } from './items.ts'

export interface Address {
  readonly grpc: number
  readonly http: number
}

const senders = 8
const retryMs = 20
const answerMs = 5_000

/** Sends each item until it is acknowledged, half of the senders over gRPC and half over HTTP, and remembers what was. */
export class LoadClient {
  /** By number: 1 = acknowledged. */
  readonly acknowledged: Uint8Array
  acknowledgedCount = 0
  /** Items sent, those that had to be sent again included. */
  sent = 0
  /** Answers that said to come again. */
  refusals = 0
  readonly #batch: number
  #next = 0
  #address: Address | undefined
  #client: Client | undefined
  #isStopped = false

  constructor(items: number, batch: number) {
    this.acknowledged = new Uint8Array(items)
    this.#batch = batch
  }

  /** Where Vigil is now; undefined = nowhere. */
  set address(address: Address | undefined) {
    this.#client?.close()
    this.#client =
      address &&
      new GrpcLogsClient(`127.0.0.1:${address.grpc}`, credentials.createInsecure(), { 'grpc.enable_retries': 0 })
    this.#address = address
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: senders }, (_, i) => this.#send(i % 2 === 0)))
  }

  stop(): void {
    this.#isStopped = true
    this.address = undefined
  }

  async #send(isGrpc: boolean): Promise<void> {
    while (!this.#isStopped && this.#next < this.acknowledged.length) {
      const from = this.#next
      const count = Math.min(this.#batch, this.acknowledged.length - from)
      this.#next += count
      const bytes = request(from, count)
      while (!this.#isStopped && !(await this.#attempt(bytes, count, isGrpc))) await wait(retryMs)
      if (this.#isStopped) return
      this.acknowledged.fill(1, from, from + count)
      this.acknowledgedCount += count
    }
  }

  async #attempt(bytes: Uint8Array, count: number, isGrpc: boolean): Promise<boolean> {
    const address = this.#address
    if (address === undefined) return false
    this.sent += count
    try {
      if (isGrpc) await this.#overGrpc(bytes)
      else await this.#overHttp(bytes, address.http)
      return true
    } catch (error) {
      if (error instanceof Refused) this.refusals++
      return false
    }
  }

  async #overGrpc(bytes: Uint8Array): Promise<void> {
    if (this.#client === undefined) throw new Error('there is no address yet')
    try {
      await exportLogs(this.#client, bytes, { deadline: Date.now() + answerMs })
    } catch (error) {
      const { details } = error as ServiceError
      throw /sending queue|storage/.test(details) ? new Refused(details) : error
    }
  }

  async #overHttp(bytes: Uint8Array, port: number): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${port}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(bytes),
      signal: AbortSignal.timeout(answerMs),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Refused(String(response.status))
  }
}

class Refused extends Error {}
