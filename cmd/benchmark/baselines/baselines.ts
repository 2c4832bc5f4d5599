import type { Subject } from '../subject.ts'
import { univariateForest } from './isolation-forest.ts'
import { maxZ } from './max-z.ts'
import { anybody, highestScore, latestDeploy, mostAlerts } from './rankings.ts'
import { staticThresholds } from './static-thresholds.ts'

const z = { detector: 'max-z', detect: maxZ } as const

/** A set that this one solves is too easy to tell anything. */
export const tooEasyFor = 'max-z, most alerts'

export const baselines: readonly Subject[] = [
  { name: 'static thresholds, most alerts', detector: 'static thresholds', detect: staticThresholds, rank: mostAlerts },
  {
    name: 'isolation forest 0.1, most alerts',
    detector: 'isolation forest',
    detect: univariateForest,
    rank: mostAlerts,
  },
  { ...z, name: 'max-z, highest z', rank: highestScore },
  { ...z, name: tooEasyFor, rank: mostAlerts },
  { ...z, name: 'max-z, latest deploy', rank: latestDeploy },
  { ...z, name: 'max-z, random', rank: anybody },
]
