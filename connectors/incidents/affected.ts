import type { Incident } from '../../pipeline/vocabulary/incident.ts'

export type Affected = Incident['affected'][number]
