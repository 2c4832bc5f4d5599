/** Alerts become incidents by time alone, as a pager groups them: baselines know of no topology. */
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

export class Incidents {
  readonly all: Open[] = []
  alerts = 0
  private readonly keepMs: number

  /** Alerts are kept for this long from the start of an incident; the rest are counted. */
  constructor(keepMs: number) {
    this.keepMs = keepMs
  }

  add(alert: Alert): void {
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
}
