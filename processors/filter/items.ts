/** Asks the tests of a step of every item of a batch; what neighbours share is asked once. */
import type { In, Origin, Resource, Scope } from '../../pipeline/data/telemetry.ts'
import { Frame, type Host } from '../../pipeline/ottl/frame.ts'
import type { Step, Test } from './steps.ts'

export interface Filterable<I> {
  readonly origin: Origin
  filter(keep: (item: I) => boolean, empty?: 'keep' | 'drop'): this
}

/** Without the items that go, by themselves or with their resource or scope, and without resources and scopes that hold none. */
export function filterItems<I extends In, B extends Filterable<I>>(
  batch: B,
  step: Step,
  host: Host,
  enter: (frame: Frame, item: I) => Frame,
): B {
  const isPlaceGone = placeTest(step, host, batch.origin)
  const isGone = anyOf(step.item)
  const frame = newFrame(host, batch.origin)
  if (isGone === undefined) return batch.filter((item) => isPlaceGone?.(item) !== true, 'drop')
  if (isPlaceGone === undefined) return batch.filter((item) => !isGone(enter(frame, item)), 'drop')
  return batch.filter((item) => !isPlaceGone(item) && !isGone(enter(frame, item)), 'drop')
}

/** Of one batch, so that no frame keeps the last one alive. */
export function newFrame(host: Host, origin: Origin): Frame {
  const frame = new Frame(host)
  frame.origin = origin
  return frame
}

export function anyOf(tests: readonly Test[]): Test | undefined {
  const [only, ...others] = tests
  if (others.length === 0) return only
  return (frame) => tests.some((test) => test(frame))
}

/** Whether the resource or the scope of an item goes; undefined = neither can. Of one batch: it remembers the last ones. */
export function placeTest(
  { resource: ofResource, scope: ofScope }: Step,
  host: Host,
  origin: Origin,
): ((item: In) => boolean) | undefined {
  const isResourceGone = anyOf(ofResource)
  const isScopeGone = anyOf(ofScope)
  if (isResourceGone === undefined && isScopeGone === undefined) return undefined
  const frame = newFrame(host, origin)
  let lastResource: Resource | undefined
  let lastScope: Scope | undefined
  let isGone = false
  let isInGone = false
  return ({ resource, scope }) => {
    if (resource !== lastResource) {
      lastResource = resource
      isGone = isResourceGone?.(frame.enterResource(resource)) ?? false
    }
    if (isGone || isScopeGone === undefined) return isGone
    if (scope !== lastScope) {
      lastScope = scope
      frame.ownScope = scope as Frame['ownScope']
      isInGone = isScopeGone(frame.enterResource(resource))
    }
    return isInGone
  }
}
