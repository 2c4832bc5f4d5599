/** One run: a world is played, its telemetry goes through the pipeline, and what comes out is brought together in windows. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { prepare } from '../simulate/scenario/run.ts'
import type { FaultTruth } from '../simulate/scenario/truth.ts'
import type { Topology } from '../simulate/topology/schema.ts'
import type { Pipeline } from './pipeline.ts'
import type { Run } from './scenario-set.ts'
import type { Window } from './subject.ts'
import { Windows } from './windows.ts'

export interface PlayRunOptions {
  readonly pipeline: Pipeline
  readonly signal: AbortSignal
  readonly onWindow: (window: Window) => void
  /** Milliseconds of the world that were played since the last call. */
  readonly onProgress: (ms: number) => void
}

/** What users got in some seconds. */
export interface Served {
  readonly fromMs: number
  all: number
  bad: number
}

export interface Played {
  readonly faults: readonly FaultTruth[]
  readonly served: readonly Served[]
  /** Points that were one too many to be looked at. */
  readonly notLookedAt: number
}

/** So often telemetry is handed over and the time is told: often enough that a trace which is sent in several parts is not taken for as many. */
const stepMs = 2_500
const servedMs = 10_000

export async function playRun(run: Run, options: PlayRunOptions): Promise<Played> {
  const { pipeline, signal, onWindow, onProgress } = options
  const { topology, scenario, seed, startMs, warmUpMs, windowMs, isQuiet } = run
  let pending: Batch[] = []
  const { world, exports, truth } = prepare({ topology, scenario, seed, startMs, send: (batch) => pending.push(batch) })
  const served = isQuiet ? [] : watchUsers(exports)
  const windows = new Windows(aliasesOf(topology))
  let [nowMs, openMs] = [0, 0]
  pipeline.onBatch((batch) => windows.take(batch, nowMs))
  await pipeline.tell(startMs)
  while (nowMs < scenario.duration) {
    if (signal.aborted) throw new Error('interrupted')
    nowMs += stepMs
    world.runUntil(nowMs)
    const batches = pending
    pending = []
    await pipeline.tell(startMs + nowMs)
    await pipeline.pass(batches)
    onProgress(stepMs)
    if (nowMs - openMs < windowMs) continue
    onWindow(windows.close(openMs, nowMs, nowMs <= warmUpMs))
    openMs = nowMs
  }
  return { faults: isQuiet ? [] : truth.told(), served, notLookedAt: windows.notLookedAt }
}

/** Partners say who they are by their host. */
function aliasesOf({ services }: Topology): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>()
  for (const [name, spec] of Object.entries(services)) if (spec.kind === 'external') aliases.set(spec.host, name)
  return aliases
}

function watchUsers(exports: ReturnType<typeof prepare>['exports']): readonly Served[] {
  const served: Served[] = []
  const tell = exports.onRequest
  exports.onRequest = (request) => {
    tell(request)
    const fromMs = Math.floor(request.atMs / servedMs) * servedMs
    let last = served.at(-1)
    if (last === undefined || last.fromMs !== fromMs) served.push((last = { fromMs, all: 0, bad: 0 }))
    last.all++
    if (!request.isGood) last.bad++
  }
  return served
}
