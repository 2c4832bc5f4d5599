/** Robust z: how many interquartile ranges a value is from the median of what was. The 20 lines that many papers do not beat. */
import { robustScaleOf } from '../statistics.ts'
import { type Alert, alertAt, type Detector, type Feature, features, type Window, width } from '../subject.ts'
import { History, Lessons } from './history.ts'

const threshold = 6
/** One window alone is chance. */
const windowsInARow = 2
const relearnMs = 3_600_000
/** A scale is never less than this, in the feature's unit, nor less than a share of its median: else what never varies explodes. */
const leastScale: Readonly<Record<Feature, number>> = {
  rate: 0.1,
  errors: 0.005,
  p50: 0.001,
  p99: 0.005,
  cpu: 0.02,
  memory: 0.01,
  pool: 1,
  lag: 5,
  logs: 0.1,
}
const leastShareOfCenter = 0.1

export function maxZ(): Detector {
  const history = new History()
  const lessons = new Lessons(relearnMs)
  const inARow: number[] = []
  let [centers, scales]: [Float64Array, Float64Array] = [new Float64Array(), new Float64Array()]

  function learn(): void {
    const { places } = history
    centers = new Float64Array(places).fill(Number.NaN)
    scales = new Float64Array(places).fill(Number.NaN)
    for (let place = 0; place < places; place++) {
      const values = history.of(place)
      if (values === undefined) continue
      const { center, scale } = robustScaleOf(values)
      centers[place] = center
      scales[place] = Math.max(scale, leastScale[features[place % width]!], leastShareOfCenter * Math.abs(center))
    }
  }

  return {
    observe(window: Window): readonly Alert[] {
      if (lessons.isDue(window)) learn()
      history.add(window)
      const alerts: Alert[] = []
      const { values } = window
      for (let place = 0; place < Math.min(values.length, centers.length); place++) {
        const score = Math.abs(values[place]! - centers[place]!) / scales[place]!
        // What is unknown is NaN and passes no threshold.
        inARow[place] = score > threshold ? (inARow[place] ?? 0) + 1 : 0
        if (inARow[place]! < windowsInARow) continue
        alerts.push(alertAt(window, place, score))
      }
      return alerts
    },
  }
}
