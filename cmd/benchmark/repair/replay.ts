/**
 * The world of an incident once more, with actions and without telemetry: what nobody looks at changes nothing in it. Until the first action it is the same
 * world, request by request; after it, users come at the same moments for the same things.
 */
import { ActionError } from '../../simulate/control/action.ts'
import { Control } from '../../simulate/control/control.ts'
import { prepare } from '../../simulate/scenario/run.ts'
import type { FaultTruth } from '../../simulate/scenario/truth.ts'
import type { Run } from '../scenario-set.ts'

/** A fault stays so long unless somebody repairs it: people need their time. */
const faultMs = 40 * 60_000
/** What has piled up goes away. */
const afterMs = 5 * 60_000
const paneMs = 60_000

/** Something that is done at a moment. */
export interface Planned {
  readonly atMs: number
  /** As the truth names repairs: `action target`. */
  readonly what: string
  /** Throws an `ActionError` where it is refused. */
  readonly act: (control: Control) => void
}

export interface Replayed {
  /** What was done. */
  readonly done: readonly string[]
  /** What was wanted and refused. */
  readonly refused: number
  /** Requests of users by minute. */
  readonly all: readonly number[]
  readonly bad: readonly number[]
  readonly faults: readonly FaultTruth[]
  readonly endMs: number
}

export function replay(run: Run, plan: readonly Planned[], { isFaulty = true } = {}): Replayed {
  const { topology, seed, startMs } = run
  const faulty = run.scenario.events.filter(({ fault }) => fault !== undefined)
  const endMs = Math.max(0, ...faulty.map(({ at }) => at)) + faultMs + afterMs
  const events = run.scenario.events.flatMap((event) => {
    if (event.fault === undefined) return [event]
    if (!isFaulty) return []
    // Nobody repairs users: they go when they like.
    return [event.fault.type === 'traffic_surge' ? event : { ...event, for: faultMs }]
  })
  const blind = { sampling: 0, scrape: 24 * 3_600_000, requestLogEvery: 1e9 }
  const scenario = { ...run.scenario, duration: endMs, events, observation: { ...run.scenario.observation, ...blind } }
  const playing = prepare({ topology, scenario, seed, startMs, send: () => {} })
  const { world, exports, truth } = playing
  const panes = Math.ceil(endMs / paneMs)
  const all = Array.from({ length: panes }, () => 0)
  const bad = Array.from({ length: panes }, () => 0)
  const tell = exports.onRequest
  exports.onRequest = (request) => {
    tell(request)
    const pane = Math.min(panes - 1, Math.floor(request.atMs / paneMs))
    all[pane]!++
    if (!request.isGood) bad[pane]!++
  }
  const control = new Control(playing)
  const done: string[] = []
  let refused = 0
  for (const { atMs, what, act } of plan) {
    world.schedule.after(atMs, () => {
      try {
        act(control)
        done.push(what)
      } catch (error) {
        if (!(error instanceof ActionError)) throw error
        refused++
      }
    })
  }
  world.runUntil(endMs)
  return { done, refused, all, bad, faults: truth.told(), endMs }
}
