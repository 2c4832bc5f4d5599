import { float, kindOf, toNumber } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { asFloat, asInt, idSpec, timeSpecs } from './scalars.ts'

/** A value of the other kind reads as 0, as upstream. */
export const exemplarPaths: PathTable = {
  filtered_attributes: attributesSpec((frame) => frame.exemplar!.filteredAttributes),
  ...timeSpecs(
    'time',
    (frame) => frame.exemplar!.timeUnixNano,
    (frame, time) => void (frame.exemplar!.timeUnixNano = time),
  ),
  double_value: {
    get(frame) {
      const { value = null } = frame.exemplar!
      return float(kindOf(value) === 'double' ? toNumber(value) : 0)
    },
    set: (frame, value) => void (frame.exemplar!.value = float(asFloat(value))),
  },
  int_value: {
    get(frame) {
      const { value = null } = frame.exemplar!
      return kindOf(value) === 'int' ? value : 0
    },
    set: (frame, value) => void (frame.exemplar!.value = asInt(value)),
  },
  trace_id: idSpec(
    'trace',
    (frame) => frame.exemplar!.traceId,
    (frame, id) => void (frame.exemplar!.traceId = id),
  ),
  span_id: idSpec(
    'span',
    (frame) => frame.exemplar!.spanId,
    (frame, id) => void (frame.exemplar!.spanId = id),
  ),
}
