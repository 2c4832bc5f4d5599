/** Decides for one entity and tick whether it is too strange to be chance. */
import { DisjointHits, Evidence, type KofN } from '../../models/run-rules.ts'
import { StatedP } from '../../models/stated-p.ts'
import type { Rule, Team } from './team.ts'
import type { Watched } from './watched.ts'

export interface Verdict {
  /** A window that overlaps none that was looked at before ends here. */
  readonly isLook: boolean
  /** What alarms, if something does. */
  readonly rule: Rule | undefined
}

const nothing: Verdict = { isLook: false, rule: undefined }
const quiet: Verdict = { isLook: true, rule: undefined }

export class Judge {
  readonly hits: DisjointHits
  readonly evidence = new Evidence()
  /** What lives of the bulk of p-values must know whether they are what they say. */
  readonly stated = new StatedP()
  readonly #windowSeconds: number
  /** Of the last look. */
  readonly #lastP = new WeakMap<Watched, number>()

  constructor(rule: KofN, windowSeconds: number) {
    this.hits = new DisjointHits(rule)
    this.#windowSeconds = windowSeconds
  }

  /** `now`: end of the window that `watched.p` is of, in seconds. One call a tick. */
  decide(watched: Watched, now: number, team: Team): Verdict {
    const { slot, p } = watched
    const seconds = this.#windowSeconds
    // Windows end on the grid, so that a replay looks at the same ones.
    if (Number.isNaN(watched.lookAt)) watched.lookAt = Math.floor(now / seconds) * seconds
    const isLook = now - watched.lookAt >= seconds
    let [isHit, isEvident] = [false, false]
    if (isLook) {
      watched.lookAt = now
      // A window of a quarter of an hour is as strange a minute later: what is not new is no second reason.
      const before = this.#lastP.get(watched) ?? Number.NaN
      const worth = this.stated.corrected(p, before)
      isHit = this.hits.next(slot, worth <= team.hitP)
      isEvident = this.evidence.next(slot, worth, team.evidenceRate)
      if (watched.alarms.length === 0) this.stated.learn(p, before)
      this.#lastP.set(watched, p)
    }
    const isWindow = p <= team.windowP
    // A budget that is used up leaves it to the others.
    if (isWindow && !team.isUsedUp) return { isLook, rule: 'window' }
    if (isHit) return { isLook, rule: 'hits' }
    if (isEvident) return { isLook, rule: 'evidence' }
    if (isWindow) return { isLook, rule: 'window' }
    return isLook ? quiet : nothing
  }

  forget({ slot }: Watched): void {
    this.hits.reset(slot)
    this.evidence.reset(slot)
  }
}
