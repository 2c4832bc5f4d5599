/**
 * The OTLP messages as the engine knows them: which field numbers they have and what stands in them.
 *
 * A field reads `kind`, `kind*` when repeated, or `kind|oneof` when it belongs to a oneof. A kind is a wire form or the name of another message.
 * Fields that are not listed are unknown: they are checked for framing and survive everything.
 */
import type { Signal } from './telemetry.ts'

type Fields = Readonly<Record<number, string>>

const number: Fields = {
  7: 'KeyValue*',
  2: 'fixed64',
  3: 'fixed64',
  4: 'fixed64|value',
  6: 'fixed64|value',
  5: 'Exemplar*',
  8: 'varint',
}
const scopeFields = (item: string): Fields => ({ 1: 'InstrumentationScope', 2: `${item}*`, 3: 'string' })
const resourceFields = (scope: string): Fields => ({ 1: 'Resource', 2: `${scope}*`, 3: 'string' })

export const schema: Readonly<Record<string, Fields>> = {
  // common and resource
  AnyValue: {
    1: 'string|value',
    2: 'varint|value',
    3: 'varint|value',
    4: 'fixed64|value',
    5: 'ArrayValue|value',
    6: 'KeyValueList|value',
    7: 'bytes|value',
    8: 'varint|value',
  },
  ArrayValue: { 1: 'AnyValue*' },
  KeyValueList: { 1: 'KeyValue*' },
  KeyValue: { 1: 'string', 2: 'AnyValue', 3: 'varint' },
  InstrumentationScope: { 1: 'string', 2: 'string', 3: 'KeyValue*', 4: 'varint' },
  EntityRef: { 1: 'string', 2: 'string', 3: 'string*', 4: 'string*' },
  Resource: { 1: 'KeyValue*', 2: 'varint', 3: 'EntityRef*' },

  // traces
  ExportTraceServiceRequest: { 1: 'ResourceSpans*' },
  ResourceSpans: resourceFields('ScopeSpans'),
  ScopeSpans: scopeFields('Span'),
  Span: {
    1: 'id16',
    2: 'id8',
    3: 'string',
    4: 'id8',
    5: 'string',
    6: 'varint',
    7: 'fixed64',
    8: 'fixed64',
    9: 'KeyValue*',
    10: 'varint',
    11: 'SpanEvent*',
    12: 'varint',
    13: 'SpanLink*',
    14: 'varint',
    15: 'Status',
    16: 'fixed32',
  },
  SpanEvent: { 1: 'fixed64', 2: 'string', 3: 'KeyValue*', 4: 'varint' },
  SpanLink: { 1: 'id16', 2: 'id8', 3: 'string', 4: 'KeyValue*', 5: 'varint', 6: 'fixed32' },
  Status: { 2: 'string', 3: 'varint' },

  // logs
  ExportLogsServiceRequest: { 1: 'ResourceLogs*' },
  ResourceLogs: resourceFields('ScopeLogs'),
  ScopeLogs: scopeFields('LogRecord'),
  LogRecord: {
    1: 'fixed64',
    2: 'varint',
    3: 'string',
    5: 'AnyValue',
    6: 'KeyValue*',
    7: 'varint',
    8: 'fixed32',
    9: 'id16',
    10: 'id8',
    11: 'fixed64',
    12: 'string',
  },

  // metrics
  ExportMetricsServiceRequest: { 1: 'ResourceMetrics*' },
  ResourceMetrics: resourceFields('ScopeMetrics'),
  ScopeMetrics: scopeFields('Metric'),
  Metric: {
    1: 'string',
    2: 'string',
    3: 'string',
    5: 'Gauge|data',
    7: 'Sum|data',
    9: 'Histogram|data',
    10: 'ExponentialHistogram|data',
    11: 'Summary|data',
    12: 'KeyValue*',
  },
  Gauge: { 1: 'NumberDataPoint*' },
  Sum: { 1: 'NumberDataPoint*', 2: 'varint', 3: 'varint' },
  Histogram: { 1: 'HistogramDataPoint*', 2: 'varint' },
  ExponentialHistogram: { 1: 'ExponentialHistogramDataPoint*', 2: 'varint' },
  Summary: { 1: 'SummaryDataPoint*' },
  NumberDataPoint: number,
  HistogramDataPoint: {
    9: 'KeyValue*',
    2: 'fixed64',
    3: 'fixed64',
    4: 'fixed64',
    5: 'fixed64',
    6: 'fixed64*',
    7: 'fixed64*',
    8: 'Exemplar*',
    10: 'varint',
    11: 'fixed64',
    12: 'fixed64',
  },
  ExponentialHistogramDataPoint: {
    1: 'KeyValue*',
    2: 'fixed64',
    3: 'fixed64',
    4: 'fixed64',
    5: 'fixed64',
    6: 'varint',
    7: 'fixed64',
    8: 'Buckets',
    9: 'Buckets',
    10: 'varint',
    11: 'Exemplar*',
    12: 'fixed64',
    13: 'fixed64',
    14: 'fixed64',
  },
  Buckets: { 1: 'varint', 2: 'varint*' },
  SummaryDataPoint: {
    7: 'KeyValue*',
    2: 'fixed64',
    3: 'fixed64',
    4: 'fixed64',
    5: 'fixed64',
    6: 'ValueAtQuantile*',
    8: 'varint',
  },
  ValueAtQuantile: { 1: 'fixed64', 2: 'fixed64' },
  Exemplar: { 7: 'KeyValue*', 2: 'fixed64', 3: 'fixed64|value', 6: 'fixed64|value', 4: 'id8', 5: 'id16' },

  // profiles (v1development)
  ExportProfilesServiceRequest: { 1: 'ResourceProfiles*', 2: 'ProfilesDictionary' },
  ProfilesDictionary: {
    1: 'Mapping*',
    2: 'Location*',
    3: 'Function*',
    4: 'ProfileLink*',
    5: 'string*',
    6: 'KeyValueAndUnit*',
    7: 'Stack*',
  },
  ResourceProfiles: resourceFields('ScopeProfiles'),
  ScopeProfiles: scopeFields('Profile'),
  Profile: {
    1: 'ValueType',
    2: 'Sample*',
    3: 'fixed64',
    4: 'varint',
    5: 'ValueType',
    6: 'varint',
    7: 'id16',
    8: 'varint',
    9: 'string',
    10: 'bytes',
    11: 'varint*',
  },
  ProfileLink: { 1: 'id16', 2: 'id8' },
  ValueType: { 1: 'varint', 2: 'varint' },
  Sample: { 1: 'varint', 2: 'varint*', 3: 'varint', 4: 'varint*', 5: 'fixed64*' },
  Mapping: { 1: 'varint', 2: 'varint', 3: 'varint', 4: 'varint', 5: 'varint*' },
  Stack: { 1: 'varint*' },
  Location: { 1: 'varint', 2: 'varint', 3: 'Line*', 4: 'varint*' },
  Line: { 1: 'varint', 2: 'varint', 3: 'varint' },
  Function: { 1: 'varint', 2: 'varint', 3: 'varint', 4: 'varint' },
  KeyValueAndUnit: { 1: 'varint', 2: 'AnyValue', 3: 'varint' },
}

export const request = {
  traces: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
  profiles: 'ExportProfilesServiceRequest',
} as const satisfies Record<Signal, string>

/** The messages that a batch counts. */
export const itemMessages: ReadonlySet<string> = new Set([
  'Span',
  'LogRecord',
  'NumberDataPoint',
  'HistogramDataPoint',
  'ExponentialHistogramDataPoint',
  'SummaryDataPoint',
  'Sample',
])

export interface Field {
  readonly kind: string
  readonly repeated: boolean
  readonly oneof: string | undefined
}

export function parseField(text: string): Field {
  const [form = '', oneof] = text.split('|')
  const repeated = form.endsWith('*')
  return { kind: repeated ? form.slice(0, -1) : form, repeated, oneof }
}
