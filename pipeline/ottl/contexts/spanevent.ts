import { int } from '../values.ts'
import { attributesSpec, type PathTable } from './path.ts'
import { countSpec, textSpec, timeSpecs } from './scalars.ts'

export const spanEventPaths: PathTable = {
  attributes: attributesSpec((frame) => frame.event!.attributes),
  ...timeSpecs(
    'time',
    (frame) => frame.event!.timeUnixNano,
    (frame, time) => void (frame.event!.timeUnixNano = time),
  ),
  name: textSpec(
    (frame) => frame.event!.name,
    (frame, name) => void (frame.event!.name = name),
  ),
  dropped_attributes_count: countSpec(
    (frame) => frame.event!.droppedAttributesCount,
    (frame, count) => void (frame.event!.droppedAttributesCount = count),
  ),
  event_index: { get: (frame) => int(frame.eventIndex) },
}
