/** One Collector between a sender and a sink of its own. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, startScript, stop } from './child.ts'
import { type Collector, type Program, startCollector } from './collector.ts'
import type { LoadResult, LoadSettings } from './load.ts'
import { cpuTime, type Memory, mainThread, memory } from './process-stat.ts'
import { exporterOf, type Row } from './rows.ts'
import type { SinkCounts } from './sink-server.ts'

export interface Round {
  readonly items: number
  readonly cpuSeconds: number
  /** The part of it that the kernel took. */
  readonly systemSeconds: number
  /** What the sink received, as it came. */
  readonly wireBytes: number
  /** Accepted items by wall time, while the load ran. */
  readonly itemsPerSecond: number
}

const itemsPerRequest = 1_000
const drainTimeoutMs = 20_000
const drainPollMs = 20
const quietMs = 500

export class Subject {
  readonly collector: Collector
  private readonly sender: ChildProcess
  private readonly sink: ChildProcess
  private readonly row: Row

  private constructor(collector: Collector, sender: ChildProcess, sink: ChildProcess, row: Row) {
    this.row = row
    this.collector = collector
    this.sender = sender
    this.sink = sink
  }

  static async start(program: Program, row: Row, folder: string): Promise<Subject> {
    const started: ChildProcess[] = []
    try {
      const sink = await startScript<{ port: number }>(new URL('./sink.ts', import.meta.url), [
        row.component?.sink ?? row.signal,
        row.protocol,
      ])
      started.push(sink.child)
      const { name, body } = exporterOf(row, sink.hello.port)
      const collector = await startCollector(program, folder, name, body, row.component)
      started.push(collector.child)
      const sender = await startScript(new URL('./load.ts', import.meta.url), [
        JSON.stringify(loadSettings(row, collector)),
      ])
      return new Subject(collector, sender.child, sink.child, row)
    } catch (error) {
      for (const child of started) await stop(child)
      throw error
    }
  }

  /** Loads for `ms`, waits until all of it came out, and says what that cost. Throws when an item is lost, doubled or refused. */
  async round(ms: number): Promise<Round> {
    const { pid } = this.collector
    const before = await this.counts()
    const cpuBefore = cpuTime(pid)
    const load = await ask<LoadResult>(this.sender, ms, ms + 60_000)
    const passesAll = this.row.component?.passesAll ?? true
    const arrived = passesAll ? await this.drained(before.items + load.accepted) : await this.settled()
    const cpu = cpuTime(pid)
    const systemSeconds = cpu.systemSeconds - cpuBefore.systemSeconds
    const cpuSeconds = cpu.userSeconds - cpuBefore.userSeconds + systemSeconds
    const cameOut = arrived.items - before.items
    const items = load.accepted
    if ((passesAll ? cameOut !== items : cameOut === 0) || load.refused > 0)
      throw new Error(
        `${this.collector.program.name}: ${items} items accepted, ${load.refused} refused, ${cameOut} arrived. ` +
          `${load.message} ${arrived.failure}\n${this.collector.log().slice(-2_000)}`,
      )
    return {
      items,
      cpuSeconds,
      systemSeconds,
      wireBytes: arrived.wireBytes - before.wireBytes,
      itemsPerSecond: load.accepted / load.seconds,
    }
  }

  memory(): Memory {
    return memory(this.collector.pid)
  }

  /** Of the time its first thread wanted a core: the share that somebody else had it. */
  waitedShare(): number {
    const { ranSeconds, waitedSeconds } = mainThread(this.collector.pid)
    return waitedSeconds / (ranSeconds + waitedSeconds)
  }

  /** P99 of the last minutes, or undefined where the Collector has no event loop. */
  async loopDelayMs(): Promise<number | undefined> {
    const text = await this.collector.metrics()
    const found = /^vigil_event_loop_delay_seconds\{[^}]*quantile="0\.99"[^}]*\} (\S+)/m.exec(text)
    return found ? Number(found[1]) * 1_000 : undefined
  }

  async stop(): Promise<void> {
    await stop(this.sender)
    await stop(this.collector.child)
    await stop(this.sink)
  }

  private counts(): Promise<SinkCounts> {
    return ask<SinkCounts>(this.sink, 'counts')
  }

  /** Where less comes out than goes in: when nothing more comes. */
  private async settled(): Promise<SinkCounts> {
    await delay(this.row.component?.settleMs ?? 0)
    let last = await this.counts()
    for (;;) {
      await delay(quietMs)
      const counts = await this.counts()
      if (counts.items === last.items) return counts
      last = counts
    }
  }

  private async drained(expected: number): Promise<SinkCounts> {
    const begun = performance.now()
    for (;;) {
      const counts = await this.counts()
      if (counts.items >= expected || performance.now() - begun > drainTimeoutMs) return counts
      await delay(drainPollMs)
    }
  }
}

function loadSettings(
  { signal, protocol, compression, component }: Row,
  { grpcPort, httpPort }: Collector,
): LoadSettings {
  const isGrpc = protocol === 'grpc'
  return {
    signal,
    protocol: isGrpc ? 'grpc' : 'http/protobuf',
    compression,
    url: isGrpc ? `http://127.0.0.1:${grpcPort}` : `http://127.0.0.1:${httpPort}/v1/${signal}`,
    timeoutMs: 30_000,
    userAgent: 'vigil-bench',
    itemsPerRequest,
    distinct: component?.distinct ?? 64,
    inFlight: 8,
  }
}
