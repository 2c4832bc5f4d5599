/** When what is being worked on, by the settings and by people. */
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import type { Feedback } from '../../pipeline/vocabulary/feedback.ts'
import { placeOf, seconds } from './alarm.ts'
import type { MaintenanceWindow } from './config.ts'

/** What a person said. */
export interface Announced {
  /** Id of the feedback. */
  readonly id: string
  readonly name: string
  /** `entityId` of it or of its service. */
  readonly place: string
  readonly entityId: string
  readonly from: number
  readonly until: number
}

interface Rule {
  readonly name: string
  matches(entity: Entity): boolean
  covers(unixSeconds: number): boolean
}

/** The oldest makes room. */
const maxAnnounced = 256
const minutesOfDay = 1_440

export class Maintenance {
  readonly #rules: readonly Rule[]
  #announced: Announced[] = []

  constructor(windows: readonly MaintenanceWindow[], timeZone: string) {
    this.#rules = windows.map((window) => ruleOf(window, timeZone))
  }

  /** The name of what goes on with it at that time. */
  of(entity: Entity, unixSeconds: number): string | undefined {
    const id = entityId(entity)
    const place = placeOf(entity)
    const announced = this.#announced.find(
      (one) => (one.entityId === id || one.place === place) && one.from <= unixSeconds && unixSeconds < one.until,
    )
    return announced?.name ?? this.#rules.find((rule) => rule.matches(entity) && rule.covers(unixSeconds))?.name
  }

  announce({ id, entity, since, until, by, note }: Feedback): void {
    if (until === undefined || this.#announced.some((one) => one.id === id)) return
    const isService = entity.kind === 'service'
    this.#announced.push({
      id,
      name: note ?? `maintenance of ${entity.name} by ${by}`,
      // Of a part of a service, only that part.
      place: isService ? entityId(entity) : '',
      entityId: entityId(entity),
      from: seconds(since),
      until: seconds(until),
    })
    if (this.#announced.length > maxAnnounced) this.#announced.shift()
  }

  /** True where there was such a one. */
  withdraw(id: string): boolean {
    const before = this.#announced.length
    this.#announced = this.#announced.filter((one) => one.id !== id)
    return this.#announced.length < before
  }

  forget(beforeSeconds: number): void {
    this.#announced = this.#announced.filter(({ until }) => until > beforeSeconds)
  }

  save(): readonly Announced[] {
    return this.#announced
  }
  restore(announced: readonly Announced[]): void {
    this.#announced = [...announced]
  }
}

function ruleOf(window: MaintenanceWindow, timeZone: string): Rule {
  const { name, from, until, start, end } = window
  const patterns = (['service', 'namespace', 'environment', 'cluster', 'entity'] as const).flatMap((key) => {
    const glob = window[key]
    return glob === undefined ? [] : [{ key, pattern: patternOf(glob) }]
  })
  const matches = (entity: Entity) =>
    patterns.every(({ key, pattern }) => pattern.test(key === 'entity' ? entity.name : partOf(entity, key)))
  if (from !== undefined && until !== undefined) {
    const [first, last] = [Date.parse(from) / 1_000, Date.parse(until) / 1_000]
    return { name, matches, covers: (at) => first <= at && at < last }
  }
  const zone = window.time_zone ?? timeZone
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const [first, last] = [minuteOf(start ?? '00:00'), minuteOf(end ?? '24:00')]
  const onDay = (day: string) => window.days === undefined || window.days.some((one) => one === day)
  const covers = (at: number) => {
    const parts = Object.fromEntries(format.formatToParts(at * 1_000).map(({ type, value }) => [type, value]))
    const day = (parts['weekday'] ?? '').toLowerCase()
    const minute = minuteOf(`${parts['hour']}:${parts['minute']}`)
    if (first < last) return onDay(day) && first <= minute && minute < last
    return (onDay(day) && minute >= first) || (onDay(dayBefore(day)) && minute < last)
  }
  return { name, matches, covers }
}

const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

function dayBefore(day: string): string {
  return week[(week.indexOf(day) + 6) % 7]!
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return Math.min(minutesOfDay, hours * 60 + minutes)
}

function partOf(entity: Entity, key: 'service' | 'namespace' | 'environment' | 'cluster'): string {
  if (key !== 'service') return entity[key]
  return entity.kind === 'service' ? entity.name : entity.service
}

function patternOf(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}
