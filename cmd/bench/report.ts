/** The results as Markdown. `--output json` prints them as they are. */
import { arch, cpus, loadavg, totalmem } from 'node:os'
import type { AgentResult } from './agent.ts'
import type { RowResult, Spread } from './end-to-end.ts'
import type { InProcess } from './in-process.ts'

export interface Report {
  readonly machine: string
  readonly placement: string
  readonly endToEnd: readonly RowResult[]
  readonly components: readonly RowResult[]
  readonly agent: readonly AgentResult[]
  readonly inProcess: readonly InProcess[]
}

export function machine(): string {
  const [first] = cpus()
  const load = loadavg()[0]!.toFixed(1)
  return `${cpus().length} x ${first?.model.trim() ?? 'unknown CPU'} (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}, load average ${load} at the begin`
}

export const endToEndHead = [
  '| row | program | CPU-s per M items (min..max) | items per CPU-s | items/s | bytes an item out | max RSS MB | waited for a core | loop delay P99 ms | Vigil / otelcol |',
  '|---|---|---|---|---|---|---|---|---|---|',
].join('\n')

export function endToEndLines({ row, measured, failures, ratio }: RowResult): string {
  const lines = measured.map((m) =>
    cells(
      row,
      m.program,
      `${m.cpuPerMillion.median.toFixed(2)} (${range(m.cpuPerMillion, 2)})`,
      thousands(m.itemsPerCpuSecond),
      thousands(m.itemsPerSecond),
      m.bytesPerItem.toFixed(0),
      m.maxRssMb.toFixed(0),
      `${(m.waitedShare * 100).toFixed(0)} %`,
      m.loopDelayP99Ms?.toFixed(1) ?? '',
      m.program === 'vigil' && ratio !== undefined ? `${ratio.toFixed(2)}x` : '',
    ),
  )
  const why = failures.map((failure) =>
    cells(row, `failed: ${failure.replaceAll(/\s+/g, ' ').slice(0, 500)}`, '', '', '', '', '', '', '', ''),
  )
  return [...lines, ...why].join('\n')
}

export function agentTable(results: readonly AgentResult[]): string {
  const head =
    '| program | start to first answer ms (min..max) | idle RSS MB (min..max) | idle CPU % |\n|---|---|---|---|'
  const lines = results.map(({ program, readyMs, idleRssMb, idleCpuPercent }) =>
    cells(
      program,
      `${readyMs.median.toFixed(0)} (${range(readyMs, 0)})`,
      `${idleRssMb.median.toFixed(0)} (${range(idleRssMb, 0)})`,
      idleCpuPercent.median.toFixed(1),
    ),
  )
  return [head, ...lines].join('\n')
}

const cells = (...values: readonly string[]) => `| ${values.join(' | ')} |`
const range = ({ min, max }: Spread, digits: number) => `${min.toFixed(digits)}..${max.toFixed(digits)}`
const thousands = (value: number) => `${(value / 1_000).toFixed(0)} k`
