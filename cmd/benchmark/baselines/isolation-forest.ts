/** As the Collector's isolationforest processor has it: a forest for each series of one value, and the tenth that scores highest is anomalous. */
import { fitIsolationForest } from '../../../models/isolation-forest.ts'
import { quantileOf } from '../statistics.ts'
import { type Alert, alertAt, type Detector, type Window } from '../subject.ts'
import { History, Lessons } from './history.ts'
import { StepForest } from './step-forest.ts'

const contamination = 0.1
const relearnMs = 6 * 3_600_000

interface Learned {
  readonly forest: StepForest
  readonly threshold: number
}

export function univariateForest(random: () => number): Detector {
  const history = new History()
  const lessons = new Lessons(relearnMs)
  const learned: (Learned | undefined)[] = []

  function learn(): void {
    for (let place = 0; place < history.places; place++) {
      const values = history.of(place)
      learned[place] = values === undefined || isConstant(values) ? undefined : fitted(values, random)
    }
  }

  return {
    observe(window: Window): readonly Alert[] {
      if (lessons.isDue(window)) learn()
      history.add(window)
      const alerts: Alert[] = []
      const { values } = window
      for (let place = 0; place < Math.min(values.length, learned.length); place++) {
        const known = learned[place]
        const value = values[place]!
        if (known === undefined || Number.isNaN(value)) continue
        const score = known.forest.score(value)
        if (score <= known.threshold) continue
        alerts.push(alertAt(window, place, score))
      }
      return alerts
    },
  }
}

function fitted(values: Float64Array, random: () => number): Learned {
  const forest = new StepForest(fitIsolationForest(values, 1, { random }))
  const scores = values.map((value) => forest.score(value)).sort()
  return { forest, threshold: quantileOf(scores, 1 - contamination) }
}

function isConstant(values: Float64Array): boolean {
  return values.every((value) => value === values[0])
}
