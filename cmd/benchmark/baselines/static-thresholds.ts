/** The rules that many start with: the same limits for everything, whatever is usual there. */
import { type Alert, alertAt, type Detector, type Feature, features, type Window, width } from '../subject.ts'

const limits: Readonly<Record<Feature, number>> = {
  rate: Number.POSITIVE_INFINITY,
  errors: 0.05,
  p50: 0.5,
  p99: 1,
  cpu: 0.9,
  memory: 0.9,
  pool: 20,
  lag: 1_000,
  logs: 5,
}
/** For so many windows in a row, as the `for` of an alerting rule. */
const windowsInARow = 2

export function staticThresholds(): Detector {
  const inARow: number[] = []
  return {
    observe(window: Window): readonly Alert[] {
      const { values, isWarmUp } = window
      const alerts: Alert[] = []
      for (let place = 0; place < values.length; place++) {
        const score = values[place]! / limits[features[place % width]!]
        inARow[place] = score > 1 ? (inARow[place] ?? 0) + 1 : 0
        if (isWarmUp || inARow[place]! < windowsInARow) continue
        alerts.push(alertAt(window, place, score))
      }
      return alerts
    },
  }
}
