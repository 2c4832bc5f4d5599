/** Alerts become incidents by time alone, as a pager groups them: baselines know of no topology. Whoever says itself what belongs together is believed. */
import type { Alert, Incident } from './subject.ts'

const quietMs = 5 * 60_000
/** What goes on is told again after this long, so that one endless incident is not the best of all. */
const mostMs = 60 * 60_000

interface Open extends Incident {
  readonly alerts: Alert[]
  lastMs: number
  /** Somebody is woken by it. */
  isPage: boolean
}

interface Told {
  readonly open: Open
  /** Of its alerts, by what is the same when they are told again. */
  readonly places: Map<string, number>
}

export class Incidents {
  readonly all: Open[] = []
  private readonly told = new Map<string, Told>()
  alerts = 0
  private readonly keepMs: number

  /** Alerts are kept for this long from the start of an incident; the rest are counted. */
  constructor(keepMs: number) {
    this.keepMs = keepMs
  }

  add(alert: Alert): void {
    if (alert.told !== undefined) {
      this.tell(alert, alert.told)
      return
    }
    this.alerts++
    const last = this.all.at(-1)
    const { atMs, isPage = true } = alert
    if (last !== undefined && atMs - last.lastMs <= quietMs && atMs - last.openMs <= mostMs) {
      last.lastMs = atMs
      last.isPage ||= isPage
      if (atMs - last.openMs <= this.keepMs) last.alerts.push(alert)
      return
    }
    this.all.push({ openMs: atMs, lastMs: atMs, isPage, alerts: [alert] })
  }

  /** What is told again is no alert of its own; but what was once no symptom stays none, and who was woken was woken. */
  private tell(alert: Alert, { incident: id, key }: NonNullable<Alert['told']>): void {
    const { atMs, isPage = true } = alert
    let told = this.told.get(id)
    if (told === undefined) {
      told = { open: { id, openMs: atMs, lastMs: atMs, isPage, alerts: [] }, places: new Map() }
      this.told.set(id, told)
      this.all.push(told.open)
    }
    const { open, places } = told
    open.lastMs = atMs
    open.isPage ||= isPage
    const place = places.get(key)
    if (place === undefined) {
      this.alerts++
      places.set(key, open.alerts.length)
      if (atMs - open.openMs <= this.keepMs) open.alerts.push(alert)
      return
    }
    const before = open.alerts[place]
    if (before?.isSuppressed === true && alert.isSuppressed !== true)
      open.alerts[place] = { ...before, isSuppressed: false }
  }
}
