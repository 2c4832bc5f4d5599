/** The HTTP door to a world: look, act, and set its pace. */
import { z } from 'zod'
import { didYouMean } from '../../../pipeline/config/suggest.ts'
import type { Pace } from '../play/pace.ts'
import { ActionError, listOf } from './action.ts'
import { actions } from './actions.ts'
import type { Control } from './control.ts'
import { type Answer, type Asked, BadRequest, JsonServer } from './json-server.ts'
import { callsOf, nodesOf, RecentService, servicesOf } from './state.ts'

export interface ControlDoor {
  readonly control: Control
  readonly pace: Pace
  /** Ends the simulation in good order. */
  readonly stop: () => void
  /** Whether the ground truth may be asked for: no pipeline must come by it by accident. */
  readonly tellsTruth: boolean
}

type Route = (asked: Asked) => unknown

const maxSpeed = 100_000

export function controlServer(door: ControlDoor): JsonServer {
  const { control, pace } = door
  const { world, truth } = control.playing
  const recent = new RecentService(world)
  const state = () => ({
    topology: world.topology.name,
    time: new Date(world.startMs + world.schedule.now).toISOString(),
    elapsedMs: world.schedule.now,
    speed: pace.speed,
    isPaused: pace.isPaused,
    requestsPerSecond: world.load.rate,
    operations: recent.told(),
    services: servicesOf(world),
    calls: callsOf(world),
    nodes: nodesOf(world),
  })
  const routes: Readonly<Record<string, Route>> = {
    'GET /': () => ({ routes: Object.keys(routes) }),
    'GET /state': state,
    'GET /actions': () => catalogue(),
    'GET /done': () => control.list(),
    'GET /truth': () => {
      if (!door.tellsTruth) {
        throw new ActionError(404, 'the truth is not told here: start vigil simulate with --control-truth')
      }
      return { faults: truth.told(), actions: truth.harm.told() }
    },
    'POST /pause': () => {
      pace.isPaused = true
      return { isPaused: true }
    },
    'POST /resume': () => {
      pace.isPaused = false
      return { isPaused: false }
    },
    'POST /speed': ({ body }) => {
      const speed = (body as { speed?: unknown } | undefined)?.speed
      if (typeof speed !== 'number' || !(speed >= 0 && speed <= maxSpeed)) {
        throw new BadRequest(400, `send {"speed": x}, x from 0 (as fast as it goes) to ${maxSpeed}`)
      }
      pace.speed = speed
      return { speed }
    },
    'POST /stop': () => {
      door.stop()
      return { isStopping: true }
    },
    'POST /actions/reverse': ({ body }) => {
      const id = (body as { id?: unknown } | undefined)?.id
      if (typeof id !== 'number')
        throw new BadRequest(400, 'send {"id": n}: the id of the action to undo; GET /done has them')
      return control.reverse(id, 'control')
    },
  }
  return new JsonServer({
    answer(asked): Answer {
      const name = `${asked.method} ${asked.path}`
      const route = routes[name]
      if (route !== undefined) return { status: 200, body: route(asked) }
      const [, action] = /^\/actions\/([^/]+)$/.exec(asked.path) ?? []
      if (action !== undefined && asked.method === 'POST') {
        return { status: 200, body: control.act(action, asked.body ?? {}, 'control') }
      }
      const known = Object.keys(routes)
      const other = known.find((one) => one.endsWith(` ${asked.path}`))
      if (other !== undefined || action !== undefined) {
        throw new BadRequest(405, `${asked.path} takes ${action === undefined ? other?.split(' ')[0] : 'POST'}`)
      }
      throw new BadRequest(404, `there is no ${asked.path}${didYouMean(name, known) || `; ${listOf(known)}`}`)
    },
    fail(error): Answer {
      if (error instanceof ActionError || error instanceof BadRequest) {
        return { status: error.status, body: { error: error.message } }
      }
      return { status: 500, body: { error: `a bug: ${error instanceof Error ? error.stack : String(error)}` } }
    },
  })
}

function catalogue() {
  return [...actions.values()].map(({ name, description, isReversible, schema }) => ({
    name,
    description,
    isReversible,
    arguments: z.toJSONSchema(schema, { io: 'input' }),
  }))
}
