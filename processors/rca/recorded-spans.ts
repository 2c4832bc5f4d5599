/** Recorded spans by columns, over the nodes of an incident's surroundings. */

import type { Spans } from '../../models/root-cause/trace-spans.ts'
import type { Clock } from '../../pipeline/component.ts'
import type { In, Span, Traces } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { Slices } from '../../pipeline/slices.ts'
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import {
  calledEntities,
  type ResourceEntities,
  resourceEntities,
  spanOperation,
} from '../../pipeline/vocabulary/span-entities.ts'
import { spanTexts } from '../../pipeline/vocabulary/span-texts.ts'
import type { Surroundings } from './surroundings.ts'

const errorStatus = 2
const [clientKind, producerKind] = [3, 4]

export interface RecordedSpans {
  readonly spans: Spans
  /** The node of its service, where `spans` has the finer one of its instance. */
  readonly service: Int32Array
  readonly hasFailed: Uint8Array
  /** Whether a request came in from outside by it: it has no parent, also none that was lost. */
  readonly isRoot: Uint8Array
  readonly traceIds: readonly string[]
  readonly spanIds: readonly string[]
  /** Index into `operations`, also where the span is inside of its service. */
  readonly operations: readonly Entity[]
  readonly rowOfSpan: ReadonlyMap<string, number>
}

/** Numbers that stay the same between the windows of one diagnosis. */
export class SpanNumbers {
  readonly around: Surroundings
  readonly operations: Entity[] = []
  /** By node of a query: its text, as some span has it. */
  readonly statements = new Map<number, string>()
  readonly #operationNumbers = new Map<string, number>()
  readonly #resources = new WeakMap<object, ResourceEntities>()

  constructor(around: Surroundings) {
    this.around = around
  }

  resource(span: Span & In): ResourceEntities {
    const known = this.#resources.get(span.resource)
    if (known !== undefined) return known
    const entities = resourceEntities(span.resource)
    this.#resources.set(span.resource, entities)
    return entities
  }

  operation(entity: Entity): number {
    const id = entityId(entity)
    let number = this.#operationNumbers.get(id)
    if (number === undefined) this.#operationNumbers.set(id, (number = this.operations.push(entity) - 1))
    return number
  }
}

/**
 * Spans that began in (from, until], in Unix nanoseconds. A call of a store has a second row, as if the store had sent a span of its own: its time is the store's and not the caller's.
 * Spans of nobody in the surroundings keep their trace together and have node -1.
 */
export async function recordedSpans(
  traces: Traces,
  numbers: SpanNumbers,
  range: { readonly from: bigint; readonly until: bigint },
  clock: Clock,
): Promise<RecordedSpans> {
  const { around } = numbers
  const slices = new Slices(clock)
  const traceNumbers = new Map<string, number>()
  const trace: number[] = []
  const node: number[] = []
  const service: number[] = []
  const operation: number[] = []
  const start: number[] = []
  const end: number[] = []
  const hasFailed: number[] = []
  const isRoot: number[] = []
  const traceIds: string[] = []
  const spanIds: string[] = []
  const parentIds: string[] = []
  const rowOfSpan = new Map<string, number>()
  for (const span of traces) {
    if (slices.isOver) await slices.pause()
    if (span.startUnixNano <= range.from || span.startUnixNano > range.until) continue
    const { of, service: serviceId, instance, node: machine } = numbers.resource(span)
    if (of === undefined) continue
    const key = `${span.traceId}${span.spanId}`
    if (rowOfSpan.has(key)) continue
    const home = around.numberOf(serviceId)
    const own = around.numberOf(instance)
    const machineNode = around.numberOf(machine)
    if (own >= 0 && machineNode >= 0) around.runsOn[own] = machineNode
    let traceNumber = traceNumbers.get(span.traceId)
    if (traceNumber === undefined) traceNumbers.set(span.traceId, (traceNumber = traceNumbers.size))
    const put = (at: {
      readonly home: number
      readonly own: number
      readonly entity: Entity
      readonly parentId: string
    }) => {
      trace.push(traceNumber)
      service.push(at.home)
      node.push(at.own)
      operation.push(numbers.operation(at.entity))
      start.push(Number(span.startUnixNano) / 1e9)
      end.push(Number(span.endUnixNano) / 1e9)
      hasFailed.push(span.status.code === errorStatus ? 1 : 0)
      isRoot.push(at.parentId === '' ? 1 : 0)
      traceIds.push(span.traceId)
      spanIds.push(span.spanId)
      parentIds.push(at.parentId)
    }
    rowOfSpan.set(key, trace.length)
    put({ home, own: own >= 0 ? own : home, entity: spanOperation(span, of), parentId: span.parentSpanId })
    if (span.kind !== clientKind && span.kind !== producerKind) continue
    const used = calledEntities(span, of)
      .map((entity) => ({ entity, number: around.numberOf(entityId(entity)) }))
      .findLast(({ number }) => number >= 0)
    if (used === undefined || around.kinds[used.number] === 'external') continue
    put({ home: used.number, own: used.number, entity: used.entity, parentId: span.spanId })
    if (used.entity.kind === 'query' && !numbers.statements.has(used.number))
      numbers.statements.set(used.number, statementOf(span))
  }
  const parent = Int32Array.from(parentIds, (id, row) =>
    id === '' ? -1 : (rowOfSpan.get(`${traceIds[row]}${id}`) ?? -1),
  )
  return {
    spans: {
      trace: Int32Array.from(trace),
      parent,
      node: Int32Array.from(node),
      operation: Int32Array.from(operation),
      start: Float64Array.from(start),
      end: Float64Array.from(end),
    },
    service: Int32Array.from(service),
    hasFailed: Uint8Array.from(hasFailed),
    isRoot: Uint8Array.from(isRoot),
    traceIds,
    spanIds,
    operations: numbers.operations,
    rowOfSpan,
  }
}

function statementOf({ attributes }: Span): string {
  const key = spanTexts.statement.find((one) => attributes.has(one))
  return key === undefined ? '' : asText(attributes.get(key) ?? '')
}
