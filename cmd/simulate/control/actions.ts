/** Everything that can be done to the world. Each changes the mechanism and nothing else: whether it helps is for the mechanism to say. */
import type { Action } from './action.ts'
import { dataActions } from './data-actions.ts'
import { platformActions } from './platform-actions.ts'
import { trafficActions } from './traffic-actions.ts'

export const actions: ReadonlyMap<string, Action> = new Map(
  [...platformActions, ...trafficActions, ...dataActions].map((action) => [action.name, action]),
)
