import { asText as textOf, toWire } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { asText, countSpec, idSpec, textSpec, timeSpecs } from './scalars.ts'

const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

export const logEnums: Readonly<Record<string, number>> = {
  SEVERITY_NUMBER_UNSPECIFIED: 0,
  ...Object.fromEntries(
    severities.flatMap((name, i) =>
      ['', '2', '3', '4'].map((step, k) => [`SEVERITY_NUMBER_${name}${step}`, i * 4 + k + 1] as const),
    ),
  ),
}

export const logPaths: PathTable = {
  attributes: attributesSpec((frame) => frame.log!.attributes),
  trace_id: idSpec(
    'trace',
    (frame) => frame.log!.traceId,
    (frame, id) => void (frame.log!.traceId = id),
  ),
  span_id: idSpec(
    'span',
    (frame) => frame.log!.spanId,
    (frame, id) => void (frame.log!.spanId = id),
  ),
  ...timeSpecs(
    'time',
    (frame) => frame.log!.timeUnixNano,
    (frame, time) => void (frame.log!.timeUnixNano = time),
  ),
  ...timeSpecs(
    'observed_time',
    (frame) => frame.log!.observedUnixNano,
    (frame, time) => void (frame.log!.observedUnixNano = time),
  ),
  severity_number: countSpec(
    (frame) => frame.log!.severityNumber,
    (frame, severity) => void (frame.log!.severityNumber = severity),
  ),
  severity_text: textSpec(
    (frame) => frame.log!.severityText,
    (frame, text) => void (frame.log!.severityText = text),
  ),
  body: {
    index: 'value',
    get: (frame) => frame.log!.body,
    set: (frame, value) => void (frame.log!.body = toWire(value)),
    next: {
      string: {
        get: (frame) => textOf(frame.log!.body),
        set: (frame, value) => void (frame.log!.body = asText(value)),
      },
    },
  },
  dropped_attributes_count: countSpec(
    (frame) => frame.log!.droppedAttributesCount,
    (frame, count) => void (frame.log!.droppedAttributesCount = count),
  ),
  flags: countSpec(
    (frame) => frame.log!.flags,
    (frame, flags) => void (frame.log!.flags = flags),
  ),
  event_name: textSpec(
    (frame) => frame.log!.eventName,
    (frame, name) => void (frame.log!.eventName = name),
  ),
}
