/**
 * Any configuration as something that can be measured: telemetry comes in where the benchmark sends it, and beside what the configuration does with it, it and the
 * events that were made of it go back to the benchmark. Nothing else is changed.
 */
import { parse, stringify } from 'yaml'
import { errorMessage } from '../../pipeline/error-message.ts'

/** Where a configuration under test receives and where it sends to, as `${env:...}`. */
export const inputVariable = 'BENCHMARK_INPUT'
export const outputVariable = 'BENCHMARK_OUTPUT'

const back = 'otlp_http/benchmark'
/** They listen at ports of their own, which several that are measured at once would not share. */
const listening = ['health_check', 'zpages', 'pprof']

interface Pipeline {
  receivers?: unknown
  exporters?: unknown
}
type Section = Record<string, unknown>

/** Throws where telemetry could not come in. One that names the variables is taken as it is. */
export function adaptConfig(text: string, source: string): string {
  if (text.includes(inputVariable)) return text
  const config = parsed(text, source)
  const receivers = sectionOf(config, 'receivers')
  const otlp = Object.keys(receivers).filter((id) => typeOf(id) === 'otlp')
  const [first] = otlp
  if (first === undefined)
    throw new Error(`${source} has no otlp receiver: the benchmark has nowhere to send its telemetry to`)
  for (const id of otlp) delete receivers[id]
  receivers[first] = { protocols: { http: { endpoint: `\${env:${inputVariable}}` } } }
  sectionOf(config, 'exporters')[back] = {
    endpoint: `\${env:${outputVariable}}`,
    compression: 'none',
    sending_queue: { enabled: false },
    retry_on_failure: { enabled: false },
  }
  const service = sectionOf(config, 'service')
  const pipelines = sectionOf(service, 'pipelines')
  for (const [id, pipeline] of Object.entries(pipelines) as [string, Pipeline][]) {
    const from: readonly string[] = [
      ...new Set(listOf(pipeline.receivers).map((one) => (otlp.includes(one) ? first : one))),
    ]
    pipeline.receivers = from
    // What a connector made of telemetry as logs are events.
    if (typeOf(id) === 'logs' && !from.includes(first)) pipeline.exporters = [...listOf(pipeline.exporters), back]
  }
  for (const signal of ['metrics', 'logs']) pipelines[`${signal}/benchmark`] = { receivers: [first], exporters: [back] }
  if (Array.isArray(service.extensions))
    service.extensions = listOf(service.extensions).filter((id) => !listening.includes(typeOf(id)))
  service.telemetry ??= { logs: { level: 'warn' }, metrics: { level: 'none' } }
  return stringify(config)
}

function parsed(text: string, source: string): Section {
  try {
    const config: unknown = parse(text)
    if (typeof config === 'object' && config !== null) return config as Section
  } catch (error) {
    throw new Error(`${source} is no YAML: ${errorMessage(error)}`, { cause: error })
  }
  throw new Error(`${source} is no configuration`)
}

function sectionOf(of: Section, key: string): Section {
  const section = (of[key] ??= {})
  if (typeof section === 'object' && section !== null) return section as Section
  const made = {}
  of[key] = made
  return made
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function typeOf(id: string): string {
  return id.split('/', 1)[0]!
}
