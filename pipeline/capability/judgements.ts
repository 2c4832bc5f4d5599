/** What was decided about entities: what detectors must know so that they do not learn a fault as normal, nor forget what a person told them. */
import { capability } from './capability.ts'

export interface Acceptance {
  /** Only this feature (a metric name), or every one of the entity. */
  readonly feature?: string
  /** From when on what is seen is normal. */
  readonly sinceUnixNano: bigint
  readonly by: string
}

export interface Judgements {
  /** Whether an alarm or incident of the entity (`entityId`) was open at that time. Cheap: asked for each entity and tick. */
  isOpen(entity: string, atUnixNano: bigint): boolean
  /** A person's accept-as-normal, newest last. */
  acceptances(entity: string): readonly Acceptance[]
}

export const judgements = capability<Judgements>('judgements')

export interface OpenAlarm {
  /** `entityId` */
  readonly entity: string
  readonly eventId: string
  /** Its onset. */
  readonly sinceUnixNano: bigint
}

/** For those who act when an alarm opens. Offered beside `judgements` by what hears the events. */
export interface OpenAlarms {
  /** Whether there is any at all: asked before anything is looked up. */
  readonly isEmpty: boolean
  /** Those that are open now, by the event time of what came last. */
  all(): readonly OpenAlarm[]
  /** Hears each alarm and incident as it opens, once, until the answer is called. */
  onOpened(listener: (alarm: OpenAlarm) => void): () => void
}

export const openAlarms = capability<OpenAlarms>('open alarms')
