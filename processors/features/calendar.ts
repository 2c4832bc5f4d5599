/** What moment of the week it is for the people who make the traffic. */
import type { Config } from './config.ts'

const sunday = 6
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const quarterMs = 900_000

interface Moment {
  /** 0 = Monday 0:00; a holiday has the hours of a Sunday. */
  readonly hourOfWeek: number
  readonly isHoliday: boolean
}

export class Calendar {
  private readonly format: Intl.DateTimeFormat
  private readonly holidays: ReadonlySet<string>
  private knownUntil = Number.NEGATIVE_INFINITY
  private knownFrom = 0
  private known: Moment = { hourOfWeek: 0, isHoliday: false }

  constructor({ time_zone, holidays }: Config['calendar']) {
    this.holidays = new Set(holidays)
    this.format = new Intl.DateTimeFormat('en-US-u-ca-gregory', {
      timeZone: time_zone,
      hourCycle: 'h23',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
    })
  }

  /** Of a window that ends at `ms`: the moment just before. Hours begin at a quarter of an hour in every time zone. */
  at(ms: number): Moment {
    const moment = ms - 1
    if (moment < this.knownUntil && moment >= this.knownFrom) return this.known
    this.knownFrom = Math.floor(moment / quarterMs) * quarterMs
    this.knownUntil = this.knownFrom + quarterMs
    const parts: Record<string, string> = {}
    for (const { type, value } of this.format.formatToParts(moment)) parts[type] = value
    const { weekday = '', year, month, day, hour } = parts
    const isHoliday = this.holidays.has(`${year}-${month}-${day}`) || this.holidays.has(`${month}-${day}`)
    const dayOfWeek = isHoliday ? sunday : weekdays.indexOf(weekday)
    this.known = { hourOfWeek: dayOfWeek * 24 + Number(hour), isHoliday }
    return this.known
  }
}
