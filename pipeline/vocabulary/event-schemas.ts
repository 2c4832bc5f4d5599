/** JSON Schemas of events, for those who read them elsewhere. `npm run options` writes them to `schemas/`. */
import { z } from 'zod'
import { anomalySchema } from './anomaly.ts'
import { changeSchema } from './change.ts'
import { diagnosisSchema } from './diagnosis.ts'
import type { EventName } from './event.ts'
import { feedbackSchema } from './feedback.ts'
import { incidentSchema } from './incident.ts'

const schemas: Readonly<Partial<Record<EventName, z.ZodType>>> = {
  'vigil.anomaly': anomalySchema,
  'vigil.change': changeSchema,
  'vigil.diagnosis': diagnosisSchema,
  'vigil.feedback': feedbackSchema,
  'vigil.incident': incidentSchema,
}

/** By event name. They describe the event in its plain form: what stands in the record's attributes, by their names without the prefix. */
export function eventSchemas(): ReadonlyMap<string, object> {
  return new Map(
    Object.entries(schemas).map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema)
      return [name, { $schema, title: name, ...rest }]
    }),
  )
}
