/**
 * When a request counts as slow: as somebody sets a service level objective, a little above what the slowest of a hundred take on an ordinary day. A topology's
 * own limits are what users put up with, so far above that few faults would move anything.
 */
import { quiet } from '../simulate/scenario/read.ts'
import { prepare } from '../simulate/scenario/run.ts'
import type { Topology } from '../simulate/topology/schema.ts'
import { quantileOf } from './statistics.ts'

const watchedMs = 12 * 60_000
/** Caches, runtimes and autoscalers settle first. */
const settleMs = 60_000
const leastRequests = 30
const ordinary = 0.99
const room = 1.25

/** With limits from some minutes of a world without faults; never above the topology's own. */
export function withObjectives(topology: Topology, rate: number, seed: number): Topology {
  const slower = { ...topology, users: { ...topology.users, rate: Math.min(rate, topology.users.rate) } }
  const scenario = { ...quiet, observation: { ...quiet.observation, sampling: 0 }, duration: watchedMs }
  const startMs = Date.parse('2026-11-10T12:00:00Z')
  const { world, exports } = prepare({ topology: slower, scenario, seed, startMs, send: () => {} })
  const times = new Map<string, number[]>()
  exports.onRequest = ({ operation, ms, outcome, atMs }) => {
    if (outcome !== 'ok' || atMs < settleMs) return
    const name = `${operation.service.name}/${operation.name}`
    const known = times.get(name)
    if (known === undefined) times.set(name, [ms])
    else known.push(ms)
  }
  world.runUntil(watchedMs)
  const operations = topology.users.operations.map((one) => {
    const all = times.get(one.call) ?? []
    if (all.length < leastRequests) return one
    const limit = room * quantileOf(Float64Array.from(all).sort(), ordinary)
    return { ...one, slow: Math.min(one.slow, Math.ceil(limit / 10) * 10) }
  })
  return { ...topology, users: { ...topology.users, operations } }
}
