/**
 * The OTLP messages as data: by this table JSON is read and written, and trees are decoded.
 *
 * Fields stand in the order in which upstream's pdata writes them to JSON, which is the order of the .proto files.
 */
import type { Signal } from '../telemetry.ts'

export const kind = {
  string: 0,
  bool: 1,
  int32: 2,
  sint32: 3,
  uint32: 4,
  fixed32: 5,
  int64: 6,
  uint64: 7,
  fixed64: 8,
  sfixed64: 9,
  double: 10,
  bytes: 11,
  /** Bytes that JSON writes in hex: trace, span and profile ids. */
  id: 12,
  enumeration: 13,
  message: 14,
} as const
export type Kind = (typeof kind)[keyof typeof kind]

/** When JSON has the field: where it differs from zero, wherever the wire has it, or in any case (as `{}`). */
type Presence = 'implicit' | 'explicit' | 'always'

export interface Field {
  readonly number: number
  readonly name: string
  readonly kind: Kind
  readonly repeated: boolean
  readonly presence: Presence
  /** One of the members of the message's only oneof. */
  readonly oneof: boolean
  /** Of kind `message`. */
  readonly message: Message | undefined
  /** Of kind `id`. */
  readonly sizeBytes: number
  /** Of kind `enumeration`. */
  readonly values: ReadonlyMap<string, number> | undefined
  /** Place in the message's `fields`. */
  readonly index: number
}

export interface Message {
  readonly name: string
  readonly fields: readonly Field[]
  readonly byNumber: readonly (Field | undefined)[]
  /** Of the values that nest in themselves, whose depth is limited. */
  readonly recursive: boolean
}

type Draft = Omit<Field, 'index'>

function draft(number: number, name: string, of: Kind, more: Partial<Draft> = {}): Draft {
  return {
    number,
    name,
    kind: of,
    repeated: false,
    presence: 'implicit',
    oneof: false,
    message: undefined,
    sizeBytes: 0,
    values: undefined,
    ...more,
  }
}
const scalar = (number: number, name: string, of: Kind) => draft(number, name, of)
const optional = (number: number, name: string, of: Kind) => draft(number, name, of, { presence: 'explicit' })
const list = (number: number, name: string, of: Kind) => draft(number, name, of, { repeated: true })
const id = (number: number, name: string, sizeBytes: number) => draft(number, name, kind.id, { sizeBytes })
const one = (number: number, name: string, of: Kind) => draft(number, name, of, { presence: 'explicit', oneof: true })
const oneMessage = (number: number, name: string, message: Message) =>
  draft(number, name, kind.message, { presence: 'explicit', oneof: true, message })
const embedded = (number: number, name: string, message: Message) =>
  draft(number, name, kind.message, { presence: 'always', message })
const many = (number: number, name: string, message: Message) =>
  draft(number, name, kind.message, { repeated: true, message })
const choice = (number: number, name: string, values: readonly string[]) =>
  draft(number, name, kind.enumeration, { values: new Map(values.map((text, value) => [text, value])) })

/** Declared before it is filled, because values nest in themselves. */
function declare(name: string, recursive = false): Message {
  return { name, fields: [], byNumber: [], recursive }
}
function fill(target: Message, drafts: readonly Draft[]): void {
  const fields = target.fields as Field[]
  const byNumber = target.byNumber as (Field | undefined)[]
  const highest = Math.max(...drafts.map((field) => field.number))
  for (let number = 0; number <= highest; number++) byNumber.push(undefined)
  for (const [index, field] of drafts.entries()) {
    const filled = { ...field, index }
    fields.push(filled)
    byNumber[field.number] = filled
  }
}
function message(name: string, drafts: readonly Draft[]): Message {
  const made = declare(name)
  fill(made, drafts)
  return made
}

const { string, bool, int32, sint32, uint32, fixed32, int64, uint64, fixed64, sfixed64, double, bytes } = kind

export const anyValue = declare('AnyValue', true)
const arrayValue = declare('ArrayValue', true)
const keyValueList = declare('KeyValueList', true)
export const keyValue = declare('KeyValue', true)
fill(anyValue, [
  one(1, 'stringValue', string),
  one(2, 'boolValue', bool),
  one(3, 'intValue', int64),
  one(4, 'doubleValue', double),
  oneMessage(5, 'arrayValue', arrayValue),
  oneMessage(6, 'kvlistValue', keyValueList),
  one(7, 'bytesValue', bytes),
  one(8, 'stringValueStrindex', int32),
])
fill(arrayValue, [many(1, 'values', anyValue)])
fill(keyValueList, [many(1, 'values', keyValue)])
fill(keyValue, [scalar(1, 'key', string), embedded(2, 'value', anyValue), scalar(3, 'keyStrindex', int32)])

const entityRef = message('EntityRef', [
  scalar(1, 'schemaUrl', string),
  scalar(2, 'type', string),
  list(3, 'idKeys', string),
  list(4, 'descriptionKeys', string),
])
const resource = message('Resource', [
  many(1, 'attributes', keyValue),
  scalar(2, 'droppedAttributesCount', uint32),
  many(3, 'entityRefs', entityRef),
])
const scope = message('InstrumentationScope', [
  scalar(1, 'name', string),
  scalar(2, 'version', string),
  many(3, 'attributes', keyValue),
  scalar(4, 'droppedAttributesCount', uint32),
])

/** Resource and scope envelopes have one shape in all signals. */
function envelope(request: string, of: string, names: readonly [string, string, string], item: Message): Message {
  const scopes = message(`Scope${of}`, [
    embedded(1, 'scope', scope),
    many(2, names[2], item),
    scalar(3, 'schemaUrl', string),
  ])
  const resources = message(`Resource${of}`, [
    embedded(1, 'resource', resource),
    many(2, names[1], scopes),
    scalar(3, 'schemaUrl', string),
  ])
  return message(request, [many(1, names[0], resources)])
}

const spanKinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const spanEvent = message('Event', [
  scalar(1, 'timeUnixNano', fixed64),
  scalar(2, 'name', string),
  many(3, 'attributes', keyValue),
  scalar(4, 'droppedAttributesCount', uint32),
])
const spanLink = message('Link', [
  id(1, 'traceId', 16),
  id(2, 'spanId', 8),
  scalar(3, 'traceState', string),
  many(4, 'attributes', keyValue),
  scalar(5, 'droppedAttributesCount', uint32),
  scalar(6, 'flags', fixed32),
])
const status = message('Status', [
  scalar(2, 'message', string),
  choice(
    3,
    'code',
    ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`),
  ),
])
const span = message('Span', [
  id(1, 'traceId', 16),
  id(2, 'spanId', 8),
  scalar(3, 'traceState', string),
  id(4, 'parentSpanId', 8),
  scalar(16, 'flags', fixed32),
  scalar(5, 'name', string),
  choice(
    6,
    'kind',
    spanKinds.map((name) => `SPAN_KIND_${name}`),
  ),
  scalar(7, 'startTimeUnixNano', fixed64),
  scalar(8, 'endTimeUnixNano', fixed64),
  many(9, 'attributes', keyValue),
  scalar(10, 'droppedAttributesCount', uint32),
  many(11, 'events', spanEvent),
  scalar(12, 'droppedEventsCount', uint32),
  many(13, 'links', spanLink),
  scalar(14, 'droppedLinksCount', uint32),
  embedded(15, 'status', status),
])

const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) =>
  ['', '2', '3', '4'].map((step) => `SEVERITY_NUMBER_${name}${step}`),
)
const logRecord = message('LogRecord', [
  scalar(1, 'timeUnixNano', fixed64),
  scalar(11, 'observedTimeUnixNano', fixed64),
  choice(2, 'severityNumber', ['SEVERITY_NUMBER_UNSPECIFIED', ...severities]),
  scalar(3, 'severityText', string),
  embedded(5, 'body', anyValue),
  many(6, 'attributes', keyValue),
  scalar(7, 'droppedAttributesCount', uint32),
  scalar(8, 'flags', fixed32),
  id(9, 'traceId', 16),
  id(10, 'spanId', 8),
  scalar(12, 'eventName', string),
])

const temporalities = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'].map((name) => `AGGREGATION_TEMPORALITY_${name}`)
const temporality = choice(2, 'aggregationTemporality', temporalities)
const exemplar = message('Exemplar', [
  many(7, 'filteredAttributes', keyValue),
  scalar(2, 'timeUnixNano', fixed64),
  one(3, 'asDouble', double),
  one(6, 'asInt', sfixed64),
  id(5, 'traceId', 16),
  id(4, 'spanId', 8),
])
const numberPoint = message('NumberDataPoint', [
  many(7, 'attributes', keyValue),
  scalar(2, 'startTimeUnixNano', fixed64),
  scalar(3, 'timeUnixNano', fixed64),
  one(4, 'asDouble', double),
  one(6, 'asInt', sfixed64),
  many(5, 'exemplars', exemplar),
  scalar(8, 'flags', uint32),
])
const histogramPoint = message('HistogramDataPoint', [
  many(9, 'attributes', keyValue),
  scalar(2, 'startTimeUnixNano', fixed64),
  scalar(3, 'timeUnixNano', fixed64),
  scalar(4, 'count', fixed64),
  optional(5, 'sum', double),
  list(6, 'bucketCounts', fixed64),
  list(7, 'explicitBounds', double),
  many(8, 'exemplars', exemplar),
  scalar(10, 'flags', uint32),
  optional(11, 'min', double),
  optional(12, 'max', double),
])
const buckets = message('Buckets', [scalar(1, 'offset', sint32), list(2, 'bucketCounts', uint64)])
const exponentialPoint = message('ExponentialHistogramDataPoint', [
  many(1, 'attributes', keyValue),
  scalar(2, 'startTimeUnixNano', fixed64),
  scalar(3, 'timeUnixNano', fixed64),
  scalar(4, 'count', fixed64),
  optional(5, 'sum', double),
  scalar(6, 'scale', sint32),
  scalar(7, 'zeroCount', fixed64),
  embedded(8, 'positive', buckets),
  embedded(9, 'negative', buckets),
  scalar(10, 'flags', uint32),
  many(11, 'exemplars', exemplar),
  optional(12, 'min', double),
  optional(13, 'max', double),
  scalar(14, 'zeroThreshold', double),
])
const quantile = message('ValueAtQuantile', [scalar(1, 'quantile', double), scalar(2, 'value', double)])
const summaryPoint = message('SummaryDataPoint', [
  many(7, 'attributes', keyValue),
  scalar(2, 'startTimeUnixNano', fixed64),
  scalar(3, 'timeUnixNano', fixed64),
  scalar(4, 'count', fixed64),
  scalar(5, 'sum', double),
  many(6, 'quantileValues', quantile),
  scalar(8, 'flags', uint32),
])
const metric = message('Metric', [
  scalar(1, 'name', string),
  scalar(2, 'description', string),
  scalar(3, 'unit', string),
  oneMessage(5, 'gauge', message('Gauge', [many(1, 'dataPoints', numberPoint)])),
  oneMessage(
    7,
    'sum',
    message('Sum', [many(1, 'dataPoints', numberPoint), temporality, scalar(3, 'isMonotonic', bool)]),
  ),
  oneMessage(9, 'histogram', message('Histogram', [many(1, 'dataPoints', histogramPoint), temporality])),
  oneMessage(
    10,
    'exponentialHistogram',
    message('ExponentialHistogram', [many(1, 'dataPoints', exponentialPoint), temporality]),
  ),
  oneMessage(11, 'summary', message('Summary', [many(1, 'dataPoints', summaryPoint)])),
  many(12, 'metadata', keyValue),
])

const valueType = message('ValueType', [scalar(1, 'typeStrindex', int32), scalar(2, 'unitStrindex', int32)])
const sample = message('Sample', [
  scalar(1, 'stackIndex', int32),
  list(2, 'attributeIndices', int32),
  scalar(3, 'linkIndex', int32),
  list(4, 'values', int64),
  list(5, 'timestampsUnixNano', fixed64),
])
const profile = message('Profile', [
  embedded(1, 'sampleType', valueType),
  many(2, 'samples', sample),
  scalar(3, 'timeUnixNano', fixed64),
  scalar(4, 'durationNano', uint64),
  embedded(5, 'periodType', valueType),
  scalar(6, 'period', int64),
  id(7, 'profileId', 16),
  scalar(8, 'droppedAttributesCount', uint32),
  scalar(9, 'originalPayloadFormat', string),
  scalar(10, 'originalPayload', bytes),
  list(11, 'attributeIndices', int32),
])
const dictionary = message('ProfilesDictionary', [
  many(
    1,
    'mappingTable',
    message('Mapping', [
      scalar(1, 'memoryStart', uint64),
      scalar(2, 'memoryLimit', uint64),
      scalar(3, 'fileOffset', uint64),
      scalar(4, 'filenameStrindex', int32),
      list(5, 'attributeIndices', int32),
    ]),
  ),
  many(
    2,
    'locationTable',
    message('Location', [
      scalar(1, 'mappingIndex', int32),
      scalar(2, 'address', uint64),
      many(
        3,
        'lines',
        message('Line', [scalar(1, 'functionIndex', int32), scalar(2, 'line', int64), scalar(3, 'column', int64)]),
      ),
      list(4, 'attributeIndices', int32),
    ]),
  ),
  many(
    3,
    'functionTable',
    message('Function', [
      scalar(1, 'nameStrindex', int32),
      scalar(2, 'systemNameStrindex', int32),
      scalar(3, 'filenameStrindex', int32),
      scalar(4, 'startLine', int64),
    ]),
  ),
  many(4, 'linkTable', message('Link', [id(1, 'traceId', 16), id(2, 'spanId', 8)])),
  list(5, 'stringTable', string),
  many(
    6,
    'attributeTable',
    message('KeyValueAndUnit', [
      scalar(1, 'keyStrindex', int32),
      embedded(2, 'value', anyValue),
      scalar(3, 'unitStrindex', int32),
    ]),
  ),
  many(7, 'stackTable', message('Stack', [list(1, 'locationIndices', int32)])),
])
const profiles = envelope(
  'ExportProfilesServiceRequest',
  'Profiles',
  ['resourceProfiles', 'scopeProfiles', 'profiles'],
  profile,
)

/** The export request of each signal. */
export const requests: { readonly [S in Signal]: Message } = {
  traces: envelope('ExportTraceServiceRequest', 'Spans', ['resourceSpans', 'scopeSpans', 'spans'], span),
  metrics: envelope('ExportMetricsServiceRequest', 'Metrics', ['resourceMetrics', 'scopeMetrics', 'metrics'], metric),
  logs: envelope('ExportLogsServiceRequest', 'Logs', ['resourceLogs', 'scopeLogs', 'logRecords'], logRecord),
  profiles: message('ExportProfilesServiceRequest', [...profiles.fields, embedded(2, 'dictionary', dictionary)]),
}

export const wireType = { varint: 0, fixed64: 1, length: 2, fixed32: 5 } as const

/** The wire type of one value; a repeated scalar that is not a string is `length` where it is packed. */
export function wireTypeOf(of: Kind): number {
  switch (of) {
    case kind.double:
    case kind.fixed64:
    case kind.sfixed64:
      return wireType.fixed64
    case kind.fixed32:
      return wireType.fixed32
    case kind.string:
    case kind.bytes:
    case kind.id:
    case kind.message:
      return wireType.length
    default:
      return wireType.varint
  }
}
