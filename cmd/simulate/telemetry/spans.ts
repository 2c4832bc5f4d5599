/** Spans as the instrumentation libraries of the OpenTelemetry SDKs write them. */
import type { EventInit } from '../../../pipeline/data/items.ts'
import type { SpanRecord } from '../world/observer.ts'
import type { Operation } from '../world/service.ts'
import {
  grpcStatus,
  httpRoute,
  httpStatus,
  operationAttributes,
  protocolOf,
  querySummary,
  rpcService,
  serverAddress,
  serverPort,
} from './protocol.ts'
import type { Attributes } from './resource.ts'
import { unixNano } from './time.ts'

export const kinds = { server: 2, client: 3, producer: 4, consumer: 5 } as const
/** Sampled; and, for a child, known to be remote or not. */
const sampledFlag = 0x01
const hasRemoteFlag = 0x100
const isRemoteFlag = 0x200

export function flagsOf({ kind, parent }: SpanRecord): number {
  const isEntry = kind === 'server' || kind === 'consumer'
  return sampledFlag | hasRemoteFlag | (isEntry && parent !== undefined ? isRemoteFlag : 0)
}

export function eventsOf(span: SpanRecord, startMs: number): readonly EventInit[] | undefined {
  const isEntry = span.kind === 'server' || span.kind === 'consumer'
  if (!isFailed(span) || !isEntry || span.outcome !== 'error') return undefined
  return [exception(span, unixNano(startMs, span.endMs, span.instance.machine))]
}

/** A server that refuses on purpose has not failed; a client that is refused has. */
export function isFailed({ outcome, kind }: SpanRecord): boolean {
  return outcome !== 'ok' && !(kind === 'server' && outcome === 'limited')
}

function exception({ errorType, operation }: SpanRecord, timeUnixNano: bigint): EventInit {
  return {
    name: 'exception',
    timeUnixNano,
    attributes: {
      'exception.type': errorType,
      'exception.message': `${operation.name} failed: ${errorType}`,
      'exception.stacktrace': `${errorType}: ${operation.name} failed\n    at ${operation.service.name}.${operation.name}\n    at handle`,
    },
  }
}

export function spanName({ operation, kind, topic }: SpanRecord): string {
  if (topic !== undefined) return `process ${topic.name}`
  switch (protocolOf(operation)) {
    case 'http': {
      const { method, route } = httpRoute(operation)
      return kind === 'server' ? `${method} ${route}` : method
    }
    case 'grpc':
      return `${rpcService(operation)}/${operation.name}`
    case 'messaging':
      return `send ${operation.name}`
    default:
      return querySummary(operation)
  }
}

export function spanAttributes(span: SpanRecord): Attributes {
  const { kind, outcome, errorType, attempt, topic } = span
  if (topic !== undefined) return consumerAttributes(span, topic.operation)
  const { operation } = span
  const attributes: Record<string, string | number | boolean> = { ...operationAttributes(operation) }
  const protocol = protocolOf(operation)
  if (isFailed(span)) attributes['error.type'] = errorTypeOf(span, errorType)
  attributes['server.address'] = serverAddress(operation)
  attributes['server.port'] = serverPort(operation)
  if (protocol === 'http') {
    const status = httpStatus(outcome)
    if (status !== undefined) attributes['http.response.status_code'] = status
    const { route } = httpRoute(operation)
    if (kind === 'server') Object.assign(attributes, { 'url.path': route, 'network.protocol.version': '1.1' })
    else {
      delete attributes['http.route']
      delete attributes['url.scheme']
      attributes['url.full'] = `https://${serverAddress(operation)}${route}`
      if (attempt > 1) attributes['http.request.resend_count'] = attempt - 1
    }
  } else if (protocol === 'grpc') attributes['rpc.response.status_code'] = grpcStatus(outcome)
  else if (protocol === 'messaging') {
    Object.assign(attributes, { 'messaging.operation.type': 'send', 'messaging.operation.name': 'send' })
  } else if (operation.query !== undefined) {
    attributes['db.query.text'] = operation.query.text
    attributes['db.query.summary'] = querySummary(operation)
  }
  return attributes
}

function consumerAttributes(span: SpanRecord, topic: Operation): Attributes {
  return {
    ...operationAttributes(topic),
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'server.address': serverAddress(topic),
    'server.port': serverPort(topic),
    ...(isFailed(span) ? { 'error.type': span.errorType } : {}),
  }
}

function errorTypeOf({ outcome, kind, operation }: SpanRecord, errorType: string): string {
  if (kind === 'server' || kind === 'consumer' || protocolOf(operation) !== 'http') return errorType
  const status = httpStatus(outcome)
  return status === undefined ? errorType : String(status)
}
