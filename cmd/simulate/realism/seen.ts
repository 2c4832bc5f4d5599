/** What somebody who only receives the telemetry knows: traces by id, series by what they are of. */
import { key } from '../../../pipeline/data/key.ts'
import type { Batch, Logs, Metrics, Traces, Value } from '../../../pipeline/data/telemetry.ts'

const serviceName = key('service.name')
const serviceInstance = key('service.instance.id')
const pod = key('k8s.pod.name')
const deployment = key('k8s.deployment.name')
const errorType = key('error.type')
const serverDurations: ReadonlySet<string> = new Set(['http.server.request.duration', 'rpc.server.call.duration'])
const server = 2
const consumer = 5
const statusError = 2
const warn = 13

export interface Root {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly ms: number
  readonly isError: boolean
}

interface Served {
  readonly atMs: number
  readonly ms: number
  readonly isError: boolean
}

interface SeenTrace {
  spans: number
  root: Root | undefined
}

/** Of one instance, a value per scrape; what counts up is kept as counted. */
export interface InstanceSeries {
  readonly service: string
  readonly cpu: number[]
  readonly cpuShare: number[]
  readonly memory: number[]
  readonly cpuAtMs: number[]
  readonly durationAtMs: number[]
  readonly durationCount: number[]
  readonly durationSum: number[]
  readonly failures: number[]
}

export class Seen {
  readonly traces = new Map<string, SeenTrace>()
  /** Durations in ms of what a service does, by service and name. */
  readonly operations = new Map<string, number[]>()
  /** The same with when, and whether it failed. */
  readonly spans = new Map<string, Served[]>()
  /** When a service wrote a line of WARN or above. */
  readonly warnings = new Map<string, number[]>()
  readonly instances = new Map<string, InstanceSeries>()
  /** By id of the span. */
  private readonly serviceOf = new Map<string, string>()
  private readonly calls: (readonly [parent: string, callee: string])[] = []

  add(batch: Batch): void {
    if (batch.signal === 'traces') this.addSpans(batch)
    else if (batch.signal === 'metrics') this.addPoints(batch)
    else if (batch.signal === 'logs') this.addLines(batch)
  }

  /** Caller and callee, each pair once. */
  edges(): ReadonlySet<string> {
    const edges = new Set<string>()
    for (const [parent, callee] of this.calls) {
      const caller = this.serviceOf.get(parent)
      if (caller !== undefined && caller !== callee) edges.add(`${caller} > ${callee}`)
    }
    return edges
  }

  private addSpans(batch: Traces): void {
    for (const span of batch) {
      const service = textOf(span.resource.attributes.get(serviceName))
      const { traceId, spanId, parentSpanId, kind } = span
      let trace = this.traces.get(traceId)
      if (trace === undefined) this.traces.set(traceId, (trace = { spans: 0, root: undefined }))
      trace.spans++
      this.serviceOf.set(spanId, service)
      if (kind !== server && kind !== consumer) continue
      const ms = Number(span.endUnixNano - span.startUnixNano) / 1e6
      const atMs = Number(span.startUnixNano / 1_000_000n)
      const isError = span.status.code === statusError
      if (parentSpanId === '') trace.root = { atMs, ms, isError }
      else this.calls.push([parentSpanId, service])
      const name = `${service} ${span.name}`
      listed(this.operations, name).push(ms)
      listed(this.spans, name).push({ atMs, ms, isError })
    }
  }

  private addLines(batch: Logs): void {
    for (const { severityNumber, timeUnixNano, resource } of batch) {
      if (severityNumber < warn) continue
      listed(this.warnings, textOf(resource.attributes.get(serviceName))).push(Number(timeUnixNano / 1_000_000n))
    }
  }

  private addPoints(batch: Metrics): void {
    let [count, sum, failures, isDurations] = [0, 0, 0, false]
    let of: InstanceSeries | undefined
    let atMs = 0
    for (const point of batch) {
      const { name } = point.metric
      const { attributes } = point.resource
      if (
        name === 'k8s.pod.cpu.usage' ||
        name === 'k8s.pod.memory.working_set' ||
        name === 'k8s.pod.cpu_limit_utilization'
      ) {
        const series = this.series(textOf(attributes.get(pod)), textOf(attributes.get(deployment)))
        const value = numberOf(point.value)
        if (name === 'k8s.pod.memory.working_set') series.memory.push(value)
        else if (name === 'k8s.pod.cpu_limit_utilization') series.cpuShare.push(value)
        else {
          series.cpu.push(value)
          series.cpuAtMs.push(Number(point.timeUnixNano / 1_000_000n))
        }
      } else if (serverDurations.has(name) && point.distribution !== undefined) {
        of = this.series(textOf(attributes.get(serviceInstance)), textOf(attributes.get(serviceName)))
        const all = Number(point.distribution.count)
        isDurations = true
        count += all
        sum += point.distribution.sum ?? 0
        if (point.attributes.has(errorType)) failures += all
        atMs = Number(point.timeUnixNano / 1_000_000n)
      }
    }
    if (of === undefined || !isDurations) return
    of.durationAtMs.push(atMs)
    of.durationCount.push(count)
    of.durationSum.push(sum)
    of.failures.push(failures)
  }

  private series(instance: string, service: string): InstanceSeries {
    let series = this.instances.get(instance)
    if (series === undefined) {
      series = {
        service,
        cpu: [],
        cpuShare: [],
        memory: [],
        cpuAtMs: [],
        durationAtMs: [],
        durationCount: [],
        durationSum: [],
        failures: [],
      }
      this.instances.set(instance, series)
    }
    return series
  }
}

function listed<T>(lists: Map<string, T[]>, name: string): T[] {
  let list = lists.get(name)
  if (list === undefined) lists.set(name, (list = []))
  return list
}

function numberOf(value: unknown): number {
  if (typeof value === 'object' && value !== null && 'double' in value) return Number(value.double)
  return Number(value)
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : ''
}
