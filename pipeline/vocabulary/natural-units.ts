/** Values as people say them: `3.5 s`, `40 to 62 ms`, `118 k requests`, `on a Saturday at 10:15`. Units are UCUM, as OpenTelemetry has them. */
import type { FeatureName } from './features.ts'

interface Scale {
  readonly factor: number
  readonly symbol: string
}

const seconds: readonly Scale[] = [
  { factor: 86_400, symbol: 'd' },
  { factor: 3_600, symbol: 'h' },
  { factor: 60, symbol: 'min' },
  { factor: 1, symbol: 's' },
  { factor: 1e-3, symbol: 'ms' },
  { factor: 1e-6, symbol: 'us' },
  { factor: 1e-9, symbol: 'ns' },
]
const bytes: readonly Scale[] = [
  { factor: 2 ** 40, symbol: 'TiB' },
  { factor: 2 ** 30, symbol: 'GiB' },
  { factor: 2 ** 20, symbol: 'MiB' },
  { factor: 2 ** 10, symbol: 'KiB' },
  { factor: 1, symbol: 'B' },
]
const counts: readonly Scale[] = [
  { factor: 1e12, symbol: 'T' },
  { factor: 1e9, symbol: 'G' },
  { factor: 1e6, symbol: 'M' },
  { factor: 1e3, symbol: 'k' },
  { factor: 1, symbol: '' },
]
const percent: readonly Scale[] = [{ factor: 0.01, symbol: '%' }]

interface Unit {
  readonly scales: readonly Scale[]
  readonly one: string
  readonly many: string
  readonly per: string
}

/** `1.234` of unit `s` is `1.2 s`; of `1`, `120 %`; of `{request}`, `1.2 requests`; of a unit that it does not know, the unit as it is. */
export function amount(value: number, unit: string): string {
  if (!Number.isFinite(value)) return 'unknown'
  const { scales, one, many, per } = unitOf(unit)
  const scale = scaleFor(Math.abs(value), scales)
  return labelled(number(value / scale.factor), scale.symbol, value === 1 ? one : many, per)
}

/** `40 to 62 ms`; `at most 62 ms` where there is no lower bound or it is 0, `at least 40 ms` where there is no upper one. */
export function range(lower: number | undefined, upper: number | undefined, unit: string): string {
  if (upper === undefined) return lower === undefined ? 'nothing' : `at least ${amount(lower, unit)}`
  if (lower === undefined || lower <= 0) return upper <= 0 ? 'none' : `at most ${amount(upper, unit)}`
  const { scales, many, per } = unitOf(unit)
  const scale = scaleFor(upper, scales)
  const [least, most] = [number(lower / scale.factor), number(upper / scale.factor)]
  if (least === most) return `about ${amount(upper, unit)}`
  if (lower < scale.factor / 100) return `${amount(lower, unit)} to ${amount(upper, unit)}`
  return labelled(`${least} to ${most}`, scale.symbol, many, per)
}

function unitOf(unit: string): Unit {
  const per = /\/[a-z]+$/.exec(unit)?.[0] ?? ''
  const of = unit.slice(0, unit.length - per.length)
  const word = /^\{(.+)\}$/.exec(of)?.[1]
  if (word !== undefined) return { scales: counts, one: word, many: plural(word), per }
  const scales = { s: seconds, By: bytes, 1: percent }[of]
  return scales === undefined ? { scales: counts, one: of, many: of, per } : { scales, one: '', many: '', per }
}

function scaleFor(value: number, scales: readonly Scale[]): Scale {
  const smallest = scales.at(-1) as Scale
  if (scales === percent || (scales === counts && value < 10_000)) return smallest
  if (scales === seconds && value === 0) return { factor: 1, symbol: 's' }
  // 90 s and 110 min read better than 1.5 min and 1.8 h.
  return scales.find(({ factor }) => value >= (scales === seconds && factor >= 60 ? 2 * factor : factor)) ?? smallest
}

function labelled(text: string, symbol: string, noun: string, per: string): string {
  return [text, symbol === '' ? '' : ` ${symbol}`, noun === '' ? '' : ` ${noun}`, per].join('')
}

/** Two digits below 100, whole numbers above; near a hundred percent what is missing counts. */
function number(value: number): string {
  const size = Math.abs(value)
  if (size >= 99 && size < 100) return String(Number(value.toFixed(2)))
  if (size >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(2)))
}

function plural(noun: string): string {
  return noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
}

/** What a feature is called in a sentence. */
const labels: Readonly<Record<FeatureName, string>> = {
  'vigil.request.rate': 'traffic',
  'vigil.request.count': 'requests',
  'vigil.error.count': 'failed requests',
  'vigil.error.ratio': 'errors',
  'vigil.latency': 'latency',
  'vigil.self_time': 'own time',
  'vigil.network_gap': 'time on the network',
  'vigil.cpu.utilization': 'CPU',
  'vigil.memory.utilization': 'memory',
  'vigil.memory.slope': 'memory growth',
  'vigil.disk.io': 'disk traffic',
  'vigil.network.io': 'network traffic',
  'vigil.pool.usage': 'connections in use',
  'vigil.pool.waiting': 'waiting for a connection',
  'vigil.cache.hit_ratio': 'cache hits',
  'vigil.cache.hits': 'cache hits',
  'vigil.cache.lookups': 'cache lookups',
  'vigil.queue.lag': 'queue lag',
  'vigil.restarts': 'restarts',
  'vigil.dependency.count': 'dependencies',
  'vigil.log.rate': 'log records',
  'vigil.log.error_rate': 'error records in the log',
  'vigil.log.new_templates': 'new kinds of log records',
  'vigil.log.burst': 'burst of log records',
  'vigil.self_time.count': 'requests whose own time is known',
  'vigil.network_gap.count': 'calls whose time on the network is known',
}

/** `P99` of latency, `own time P90`, `CPU`; a metric's name where it is no feature of ours. */
export function featureLabel(feature: string, quantile = ''): string {
  const label = Object.hasOwn(labels, feature) ? labels[feature as FeatureName] : feature
  if (quantile === '') return label
  const text = `P${Number((Number(quantile) * 100).toFixed(3))}`
  return feature === 'vigil.latency' ? text : `${label} ${text}`
}

/** Times of day in one time zone. */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat

  /** An IANA name, `Europe/Berlin`. Throws a RangeError for one that does not exist. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'long',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
  }

  /** `Saturday at 10:15` */
  weekdayAndMinute(unixSeconds: number): string {
    const { weekday, hour, minute } = this.#parts(unixSeconds)
    return `${weekday} at ${hour}:${minute}`
  }

  /** `10:14:38`; with the date in front where that is another day than the one of `now`. */
  second(unixSeconds: number, now = unixSeconds): string {
    const { year, month, day, hour, minute, second } = this.#parts(unixSeconds)
    const today = this.#parts(now)
    const isSameDay = today.day === day && today.month === month && today.year === year
    return `${isSameDay ? '' : `${year}-${month}-${day} `}${hour}:${minute}:${second}`
  }

  #parts(unixSeconds: number): Partial<Record<Intl.DateTimeFormatPartTypes, string>> {
    return Object.fromEntries(this.#format.formatToParts(unixSeconds * 1000).map(({ type, value }) => [type, value]))
  }
}
