import type { SpanEvent, SpanLink, SpanStatus } from '../../data/telemetry.ts'
import { fail } from '../problems.ts'
import { Opaque, type OttlValue } from '../values.ts'
import { attributesSpec, type PathSpec, type PathTable } from './path.ts'
import { asText, countSpec, expects, idSpec, textSpec, timeSpecs } from './scalars.ts'
import { readEntry, withEntry } from './trace-state.ts'

const kinds = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const deprecatedKinds = kinds.map((kind) => `SPAN_KIND_${kind.toUpperCase()}`)

export const spanEnums: Readonly<Record<string, number>> = {
  ...Object.fromEntries(deprecatedKinds.map((name, i) => [name, i])),
  STATUS_CODE_UNSET: 0,
  STATUS_CODE_OK: 1,
  STATUS_CODE_ERROR: 2,
}

function kindSpec(names: readonly string[]): PathSpec {
  return {
    get: (frame) => names[frame.span!.kind] ?? '',
    set(frame, value) {
      const name = asText(value)
      const kind = names.indexOf(name)
      if (kind < 0) fail(`unknown span kind '${name}': use one of ${names.join(', ')}`)
      frame.span!.kind = kind
    },
  }
}

function opaque<T>(goType: string, value: OttlValue): T {
  return value instanceof Opaque && value.goType === goType ? (value.content as T) : expects(goType, value)
}

export const spanPaths: PathTable = {
  attributes: attributesSpec((frame) => frame.span!.attributes),
  trace_id: idSpec(
    'trace',
    (frame) => frame.span!.traceId,
    (frame, id) => void (frame.span!.traceId = id),
  ),
  span_id: idSpec(
    'span',
    (frame) => frame.span!.spanId,
    (frame, id) => void (frame.span!.spanId = id),
  ),
  parent_span_id: idSpec(
    'span',
    (frame) => frame.span!.parentSpanId,
    (frame, id) => void (frame.span!.parentSpanId = id),
  ),
  trace_state: {
    ...textSpec(
      (frame) => frame.span!.traceState,
      (frame, state) => void (frame.span!.traceState = state),
    ),
    entry: (name) => ({
      get: (frame) => readEntry(frame.span!.traceState, name(frame)),
      set: (frame, value) =>
        void (frame.span!.traceState = withEntry(frame.span!.traceState, name(frame), asText(value))),
    }),
  },
  status: {
    get: (frame) => new Opaque('ptrace.Status', frame.span!.status),
    set: (frame, value) => void (frame.span!.status = opaque<SpanStatus>('ptrace.Status', value)),
    next: {
      code: countSpec(
        (frame) => frame.span!.status.code,
        (frame, code) => void (frame.span!.status = { code, message: frame.span!.status.message }),
      ),
      message: textSpec(
        (frame) => frame.span!.status.message,
        (frame, message) => void (frame.span!.status = { code: frame.span!.status.code, message }),
      ),
    },
  },
  name: textSpec(
    (frame) => frame.span!.name,
    (frame, name) => void (frame.span!.name = name),
  ),
  kind: {
    ...countSpec(
      (frame) => frame.span!.kind,
      (frame, kind) => void (frame.span!.kind = kind),
    ),
    next: { string: kindSpec(kinds), deprecated_string: kindSpec(deprecatedKinds) },
  },
  ...timeSpecs(
    'start_time',
    (frame) => frame.span!.startUnixNano,
    (frame, time) => void (frame.span!.startUnixNano = time),
  ),
  ...timeSpecs(
    'end_time',
    (frame) => frame.span!.endUnixNano,
    (frame, time) => void (frame.span!.endUnixNano = time),
  ),
  events: {
    get: (frame) => new Opaque('ptrace.SpanEventSlice', frame.span!.events),
    set: (frame, value) => void (frame.span!.events = opaque<readonly SpanEvent[]>('ptrace.SpanEventSlice', value)),
  },
  links: {
    get: (frame) => new Opaque('ptrace.SpanLinkSlice', frame.span!.links),
    set: (frame, value) => void (frame.span!.links = opaque<readonly SpanLink[]>('ptrace.SpanLinkSlice', value)),
  },
  dropped_attributes_count: countSpec(
    (frame) => frame.span!.droppedAttributesCount,
    (frame, count) => void (frame.span!.droppedAttributesCount = count),
  ),
  dropped_events_count: countSpec(
    (frame) => frame.span!.droppedEventsCount,
    (frame, count) => void (frame.span!.droppedEventsCount = count),
  ),
  dropped_links_count: countSpec(
    (frame) => frame.span!.droppedLinksCount,
    (frame, count) => void (frame.span!.droppedLinksCount = count),
  ),
  flags: countSpec(
    (frame) => frame.span!.flags,
    (frame, flags) => void (frame.span!.flags = flags),
  ),
}
