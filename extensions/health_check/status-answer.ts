/** What `/status`, `/config` and `grpc.health.v1` say of a status: codes and bodies as upstream's `internal/healthcheck`. */
import type { EngineView } from '../../pipeline/telemetry/engine-view.ts'
import type { ComponentHealth } from './config.ts'
import { rfc3339Nano } from './health.ts'
import type { Status, StatusName } from './status.ts'

const httpCodes: Readonly<Record<StatusName, number>> = {
  StatusNone: 503,
  StatusStarting: 503,
  StatusOK: 200,
  StatusRecoverableError: 200,
  StatusPermanentError: 200,
  StatusFatalError: 500,
  StatusStopping: 503,
  StatusStopped: 503,
}
const serving: ReadonlySet<StatusName> = new Set(['StatusOK', 'StatusRecoverableError', 'StatusPermanentError'])

interface StatusJson {
  readonly start_time?: string
  readonly healthy: boolean
  readonly status: StatusName
  readonly error?: string
  readonly status_time: string
  readonly attributes: object
  readonly components?: Readonly<Record<string, StatusJson>>
}
export interface Answer {
  readonly code: number
  readonly body: string
}

/** `health` absent: every state counts as healthy, and only the code tells. */
export function statusAnswer(
  status: Status,
  health: ComponentHealth | undefined,
  when: { readonly isVerbose: boolean; readonly startUnixNano: bigint; readonly nowUnixNano: bigint },
): Answer {
  const json = (one: Status): StatusJson => {
    const components = [...one.components].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      healthy: health === undefined || isHealthy(one, health, when.nowUnixNano),
      status: one.name,
      ...(one.error === '' ? {} : { error: one.error }),
      status_time: rfc3339Nano(one.sinceUnixNano),
      attributes: {},
      ...(when.isVerbose && components.length > 0
        ? { components: Object.fromEntries(components.map(([name, part]) => [name, json(part)])) }
        : {}),
    }
  }
  const whole: StatusJson = { start_time: rfc3339Nano(when.startUnixNano), ...json(status) }
  return { code: whole.healthy ? httpCodes[status.name] : 500, body: JSON.stringify(whole) }
}

function isHealthy({ name, sinceUnixNano }: Status, health: ComponentHealth, nowUnixNano: bigint): boolean {
  if (name === 'StatusPermanentError') return !health.include_permanent_errors
  if (name === 'StatusRecoverableError' && health.include_recoverable_errors) {
    return nowUnixNano < sinceUnixNano + recoveryNanos(health)
  }
  return name !== 'StatusFatalError'
}

/** For `grpc.health.v1`. */
export function isServing(
  { name, sinceUnixNano }: Status,
  health: ComponentHealth | undefined,
  nowUnixNano: bigint,
): boolean {
  if (name === 'StatusRecoverableError' && health?.include_recoverable_errors) {
    return nowUnixNano <= sinceUnixNano + recoveryNanos(health)
  }
  if (name === 'StatusPermanentError' && health?.include_permanent_errors) return false
  return serving.has(name)
}

function recoveryNanos({ recovery_duration }: ComponentHealth): bigint {
  return BigInt(Math.round(recovery_duration * 1e6))
}

/** The configuration that runs, by section, secrets redacted. */
export function configBody({ components, pipelines }: EngineView): string {
  const section = (kind: string) =>
    Object.fromEntries(components.filter((view) => view.kind === kind).map(({ id, config }) => [id, config]))
  const sections = ['receiver', 'processor', 'exporter', 'connector', 'extension'] as const
  const bodies = sections.map((kind) => [`${kind}s`, section(kind)] as const)
  return JSON.stringify({
    ...Object.fromEntries(bodies.filter(([, body]) => Object.keys(body).length > 0)),
    service: {
      extensions: components.filter(({ kind }) => kind === 'extension').map(({ id }) => id),
      pipelines: Object.fromEntries(
        pipelines.map(({ id, receivers, processors, exporters }) => [id, { receivers, processors, exporters }]),
      ),
    },
  })
}
