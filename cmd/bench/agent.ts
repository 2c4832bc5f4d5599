/** The agent profile: how soon it is there, and what it weighs while nothing happens. */
import { setTimeout as delay } from 'node:timers/promises'
import { stop } from './child.ts'
import { type Program, startCollector } from './collector.ts'
import { type Spread, spread } from './end-to-end.ts'
import { cpuTime, memory } from './process-stat.ts'
import { allRows, exporterOf } from './rows.ts'

export interface AgentResult {
  readonly program: string
  readonly readyMs: Spread
  readonly idleRssMb: Spread
  /** Of one core, in percent. */
  readonly idleCpuPercent: Spread
}

const idleMs = 3_000
/** Nobody listens there: an exporter that has nothing to send need not mind. */
const nowhere = 9

export async function measureAgent(program: Program, starts: number, folder: string): Promise<AgentResult> {
  const readyMs: number[] = []
  const rss: number[] = []
  const cpu: number[] = []
  const { name, body } = exporterOf(allRows[0]!, nowhere)
  for (let i = 0; i < starts; i++) {
    const collector = await startCollector(program, folder, name, body)
    try {
      const before = busySeconds(collector.pid)
      await delay(idleMs)
      readyMs.push(collector.readyMs)
      rss.push(memory(collector.pid).rssMb)
      cpu.push(((busySeconds(collector.pid) - before) / idleMs) * 100_000)
    } finally {
      await stop(collector.child)
    }
  }
  return { program: program.name, readyMs: spread(readyMs), idleRssMb: spread(rss), idleCpuPercent: spread(cpu) }
}

function busySeconds(pid: number): number {
  const { userSeconds, systemSeconds } = cpuTime(pid)
  return userSeconds + systemSeconds
}
