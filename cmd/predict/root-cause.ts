/** What the kinds of root-cause data sets share: the line that a case gives, and an order of nodes that no name has a say in. */
import type { Ranking } from '../../models/root-cause/evidence.ts'

/** As `../shared/data/PREDICT.md` says. */
export interface RootCauseLine {
  readonly case: string
  readonly verdict: 'confirmed' | 'likely' | 'inconclusive'
  readonly causes: readonly CauseOfLine[]
}

export interface CauseOfLine {
  readonly entity: string
  readonly hypothesis: string
  /** Null where none is meant. */
  readonly metric: string | null
  /** Probability that it is this entity. */
  readonly score: number
}

/** `metricOf` says what a sighting's reference stands for. */
export function rootCauseLine(
  name: string,
  { causes, nodeProbability, verdict }: Ranking,
  entities: readonly string[],
  metricOf: (sighting: number) => string | null,
): RootCauseLine {
  return {
    case: name,
    verdict,
    causes: causes.map(({ node, hypothesis, support }) => {
      const [first] = support
      return {
        entity: entities[node]!,
        hypothesis,
        metric: first === undefined || first.logLikelihoodRatio <= 0 ? null : metricOf(first.sighting),
        score: nodeProbability[node] as number,
      }
    }),
  }
}

/** The places of the nodes by what was measured at them, so that neither their names nor their places decide between equals. */
export function orderByContent(contents: readonly (readonly number[])[]): readonly number[] {
  const compare = (a: readonly number[], b: readonly number[]) => {
    for (let i = 0; i < a.length && i < b.length; i++) {
      const [x, y] = [a[i] as number, b[i] as number]
      if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue
      if (Number.isNaN(x)) return 1
      return Number.isNaN(y) || x < y ? -1 : 1
    }
    return a.length - b.length
  }
  return contents.map((_, i) => i).sort((a, b) => compare(contents[a]!, contents[b]!))
}
