/** What people say about incidents. */
import type { Context } from '../../pipeline/component.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { eventId } from '../../pipeline/vocabulary/event.ts'
import { type Feedback, feedbackId } from '../../pipeline/vocabulary/feedback.ts'
import { type Alarm, nanoText, seconds } from './alarm.ts'
import type { Book } from './book.ts'
import { type Case, isOpen, newCase, severityRank } from './case.ts'
import type { Maintenance } from './maintenance.ts'

/** Acceptances that were made of one that was about an incident. */
interface Made {
  readonly of: string
  readonly feedback: readonly Feedback[]
}
export interface PeopleState {
  readonly heard: readonly string[]
  readonly made: readonly Made[]
}

/** The oldest are forgotten: what is sent again after so many others is done again. */
const maxHeard = 4_096
const maxMade = 256
/** An acceptance is about this many entities at most. */
const maxAccepted = 64

export class People {
  readonly #books: () => Iterable<Book>
  readonly #maintenance: Maintenance
  readonly #logger: Context['logger']
  readonly #say: (feedback: Feedback, book: Book | undefined) => void
  readonly #heard = new Set<string>()
  #made: Made[] = []

  constructor(
    books: () => Iterable<Book>,
    maintenance: Maintenance,
    logger: Context['logger'],
    say: (feedback: Feedback, book: Book | undefined) => void,
  ) {
    this.#books = books
    this.#maintenance = maintenance
    this.#logger = logger
    this.#say = say
  }

  /** True where it changed something. */
  hear(feedback: Feedback): boolean {
    const { kind, incident_id: id } = feedback
    if (this.#heard.has(feedback.id)) return false
    this.#heard.add(feedback.id)
    const [oldest] = this.#heard
    if (this.#heard.size > maxHeard && oldest !== undefined) this.#heard.delete(oldest)
    if (kind === 'maintenance') {
      this.#maintenance.announce(feedback)
      return true
    }
    if (kind === 'withdraw') return this.#withdraw(feedback)
    // An acceptance without an incident is between the person and the detectors.
    if (id === undefined) return false
    const found = this.#find(id)
    if (found === undefined) return false
    const { of, book } = found
    const problem = this.#apply(of, book, feedback)
    if (problem !== undefined) {
      this.#logger.warn(`What a person said about an incident changed nothing: ${problem}.`, { incident: of.id, kind })
      return false
    }
    of.by = feedback.by
    if (feedback.note !== undefined) of.note = feedback.note
    book.tell(of, 'person')
    return true
  }

  save(): PeopleState {
    return { heard: [...this.#heard], made: this.#made }
  }
  restore({ heard, made }: PeopleState): void {
    for (const id of heard) this.#heard.add(id)
    this.#made = [...made]
  }

  #find(id: string): { readonly of: Case; readonly book: Book } | undefined {
    for (const book of this.#books()) {
      let found = book.find(id)
      // Who speaks of what became a part of another means that one.
      for (let i = 0; i < 16 && found?.mergedInto !== undefined; i++) found = book.find(found.mergedInto)
      if (found === undefined) continue
      if (isOpen(found)) return { of: found, book }
      this.#logger.warn('A person spoke of an incident that is over.', { incident: found.id })
      return undefined
    }
    this.#logger.warn('A person spoke of an incident that is not known here, or of several; write more of its id.', {
      incident: id,
    })
    return undefined
  }

  /** What is wrong with it; undefined = it was done. */
  #apply(of: Case, book: Book, feedback: Feedback): string | undefined {
    switch (feedback.kind) {
      case 'acknowledge':
        of.state = 'acknowledged'
        of.snoozedUntil = undefined
        return undefined
      case 'snooze': {
        if (feedback.until === undefined) return 'a snooze needs until'
        // The clock that people have need not be that of the events.
        const length = seconds(feedback.until) - seconds(feedback.since)
        if (length <= 0) return 'the snooze is over before it begins'
        of.state = 'snoozed'
        of.snoozedUntil = book.now + length
        of.snoozedAt = severityRank(of)
        return undefined
      }
      case 'assign':
        if (feedback.assignee === undefined) return 'it does not say to whom'
        of.assignee = feedback.assignee
        return undefined
      case 'note':
        return feedback.note === undefined ? 'there is no note' : undefined
      case 'resolve':
        book.resolve(of, book.now, 'person')
        return undefined
      case 'merge':
        return mergeInto(of, book, feedback.into)
      case 'split':
        return split(of, book, feedback)
      case 'accept_as_normal':
        this.#accept(of, book, feedback)
        book.resolve(of, book.now, 'person')
        return undefined
      default:
        return `${feedback.kind} is not for incidents`
    }
  }

  /** One acceptance for each entity that the incident is about: detectors know entities, no incidents. */
  #accept(of: Case, book: Book, feedback: Feedback): void {
    const { by, note, feature } = feedback
    const byEntity = Map.groupBy(
      of.members.filter(({ type }) => type !== 'slo_burn' && type !== 'foreign' && type !== 'blind'),
      (alarm) => alarm.entityId,
    )
    const made = [...byEntity.values()].slice(0, maxAccepted).map((alarms): Feedback => {
      const [{ entity }] = alarms as [Alarm]
      const since = nanoText(Math.min(...alarms.map((alarm) => alarm.since)))
      return {
        ...envelopeOf(feedback, of),
        id: feedbackId('accept_as_normal', entityId(entity), by, since, feedback.id),
        parent_id: feedback.id,
        entity,
        kind: 'accept_as_normal',
        by,
        since,
        ...(feature === undefined ? {} : { feature }),
        ...(note === undefined ? {} : { note }),
      }
    })
    for (const one of made) this.#say(one, book)
    this.#made.push({ of: feedback.id, feedback: made })
    if (this.#made.length > maxMade) this.#made.shift()
  }

  #withdraw(feedback: Feedback): boolean {
    const { parent_id: parent } = feedback
    if (parent === undefined) return false
    if (this.#maintenance.withdraw(parent)) return true
    const made = this.#made.find((one) => one.of === parent)
    if (made === undefined) return false
    this.#made = this.#made.filter((one) => one !== made)
    for (const one of made.feedback)
      this.#say(
        {
          ...one,
          id: feedbackId('withdraw', one.id, feedback.by, feedback.since),
          parent_id: one.id,
          kind: 'withdraw',
          by: feedback.by,
          since: feedback.since,
          time: feedback.time,
          observed_time: feedback.observed_time,
          text: feedback.text,
        },
        undefined,
      )
    return true
  }
}

function envelopeOf({ schema, time, observed_time, severity, text }: Feedback, { id }: Case) {
  return { schema, time, observed_time, severity, text, incident_id: id }
}

function mergeInto(of: Case, book: Book, into: string | undefined): string | undefined {
  const target = into === undefined ? undefined : book.find(into)
  if (target === undefined) return 'the incident that it is to be a part of is not known'
  if (!isOpen(target)) return 'the incident that it is to be a part of is over'
  if (target === of) return 'it is the same incident'
  if (target.isBlind !== of.isBlind) return 'lost telemetry and what is broken stay apart'
  for (const alarm of [...target.members, ...of.members]) alarm.pinnedTo = target.id
  book.merge(of, target)
  book.touch()
  return undefined
}

function split(of: Case, book: Book, { id, members, by, note }: Feedback): string | undefined {
  const wanted = new Set(members ?? of.separable.map((alarm) => alarm.id))
  const leave = of.members.filter(({ ids, id: first }) => wanted.has(first) || ids.some((one) => wanted.has(one)))
  if (leave.length === 0) return 'it does not say which alarms leave, and nothing suggests any'
  if (leave.length === of.members.length) return 'all of its alarms would leave'
  const leaving = new Set(leave)
  const next = newCase(eventId('vigil.incident', id), leave[0]!, book.now, of.id)
  for (const alarm of of.members) alarm.pinnedTo = leaving.has(alarm) ? next.id : of.id
  for (const alarm of leave) alarm.incident = next.id
  next.members = leave
  next.by = by
  next.note = note
  book.cases.set(next.id, next)
  of.members = of.members.filter((alarm) => !leaving.has(alarm))
  of.separable = []
  book.touch()
  return undefined
}
