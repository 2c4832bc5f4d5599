/** The one who does things to a world: checks, does, remembers, undoes. Everything that it did stands in the ground truth. */
import { didYouMean } from '../../../pipeline/config/suggest.ts'
import { maxActions } from '../scenario/harm.ts'
import type { Playing } from '../scenario/run.ts'
import { Guard } from '../world/guard.ts'
import { type Action, ActionError, listOf, type Prepared } from './action.ts'
import { actions } from './actions.ts'

/** As an answer to who asked for it. */
export interface Done {
  readonly id: number
  readonly at: string
  readonly action: string
  readonly target: string
  readonly isReversible: boolean
  readonly note?: string
}

interface Remembered {
  readonly told: Done
  readonly prepared: Prepared
  isReversed: boolean
}

export class Control {
  readonly playing: Playing
  private readonly done = new Map<number, Remembered>()
  private next = 1

  constructor(playing: Playing) {
    this.playing = playing
  }

  /** How many actions were done. */
  get count(): number {
    return this.next - 1
  }

  /** Throws what `act` would throw; changes nothing. */
  check(name: string, args: unknown): void {
    actionOf(name).prepare(args, this.playing)
  }

  /** `by`: through which door it comes. Throws `ActionError`, and has changed nothing then. */
  act(name: string, args: unknown, by: string): Done {
    const action = actionOf(name)
    const { world } = this.playing
    const prepared = action.prepare(args, this.playing)
    const { target, note } = prepared
    const done = this.begin(name, target, args, by)
    prepared.run(done.guard)
    const isReversible = action.isReversible && prepared.reverse !== undefined
    const at = new Date(world.startMs + world.schedule.now).toISOString()
    const told: Done = { id: done.id, at, action: name, target, isReversible, ...(note === undefined ? {} : { note }) }
    this.done.set(done.id, { told, prepared, isReversed: false })
    return told
  }

  /** Whether what it set is still in force and can be put back. */
  mayReverse(id: number): boolean {
    const one = this.done.get(id)
    return one?.told.isReversible === true && !one.isReversed && one.prepared.holds?.() !== false
  }

  /** Puts back what an action changed, unless something else has changed it since. */
  reverse(id: number, by: string): Done {
    const one = this.done.get(id)
    if (one === undefined)
      throw new ActionError(404, `there is no action ${id}; ${listOf([...this.done.keys()].map(String))}`)
    const { reverse, holds } = one.prepared
    const { target } = one.told
    const what = `${one.told.action} of ${target}`
    if (!one.told.isReversible || reverse === undefined) throw new ActionError(409, `${what} cannot be undone`)
    if (one.isReversed) throw new ActionError(409, `${what} is undone already`)
    if (holds?.() === false) throw new ActionError(409, `${what} is not in force any more: something changed it since`)
    const done = this.begin('reverse', target, { id }, by)
    this.playing.truth.harm.reversed(id)
    one.isReversed = true
    reverse()
    const { at } = this.stamp()
    return { id: done.id, at, action: 'reverse', target, isReversible: false }
  }

  /** What was done so far, the oldest first. */
  list(): readonly (Done & { readonly isReversed: boolean })[] {
    return Array.from(this.done.values(), ({ told, isReversed }) => ({ ...told, isReversed }))
  }

  private begin(action: string, target: string, args: unknown, by: string) {
    if (this.next > maxActions) {
      throw new ActionError(409, `${maxActions} actions have been done, and more are not counted: begin a new world`)
    }
    const { truth, world } = this.playing
    const guard = new Guard()
    const id = this.next++
    truth.harm.acted({ id, atMs: world.schedule.now, action, target, by, args, guard })
    return { id, guard }
  }

  private stamp() {
    const { startMs, schedule } = this.playing.world
    return { at: new Date(startMs + schedule.now).toISOString() }
  }
}

function actionOf(name: string): Action {
  const action = actions.get(name)
  if (action !== undefined) return action
  const names = [...actions.keys()]
  const near = didYouMean(name, names)
  throw new ActionError(404, `there is no action "${name}"${near === '' ? `; ${listOf(names)}` : near}`)
}
