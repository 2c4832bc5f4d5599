/** One V8 profile at a time, through the inspector of this thread; nothing listens on the inspector's port for it. */
import { type HeapProfiler, type Profiler, Session } from 'node:inspector'

export interface Running<T> {
  /** Ends the profile; once. */
  stop(): T
}

/** `intervalUs`: how often the stack is looked at. */
export function startCpu(intervalUs: number): Running<Profiler.Profile> {
  const session = open()
  try {
    call(session, 'Profiler.enable')
    call(session, 'Profiler.setSamplingInterval', { interval: intervalUs })
    call(session, 'Profiler.start')
  } catch (error) {
    session.disconnect()
    throw error
  }
  return { stop: () => closing(session, () => call<Profiler.StopReturnType>(session, 'Profiler.stop').profile) }
}

/** One allocation in `intervalBytes` is looked at. `withFreed`: also what was collected again meanwhile. */
export function startHeap(intervalBytes: number, withFreed: boolean): Running<HeapProfiler.SamplingHeapProfile> {
  const session = open()
  try {
    call(session, 'HeapProfiler.enable')
    call(session, 'HeapProfiler.startSampling', {
      samplingInterval: intervalBytes,
      includeObjectsCollectedByMajorGC: withFreed,
      includeObjectsCollectedByMinorGC: withFreed,
    })
  } catch (error) {
    session.disconnect()
    throw error
  }
  const stop = () => call<HeapProfiler.StopSamplingReturnType>(session, 'HeapProfiler.stopSampling').profile
  return { stop: () => closing(session, stop) }
}

function open(): Session {
  const session = new Session()
  session.connect()
  return session
}

function closing<T>(session: Session, stop: () => T): T {
  try {
    return stop()
  } finally {
    session.disconnect()
  }
}

/** The inspector of one's own thread answers before `post` returns. */
function call<T>(session: Session, method: string, parameters: object = {}): T {
  let answer: { error: Error | null; result: unknown } | undefined
  session.post(method, parameters, (error, result?: unknown) => {
    answer = { error, result }
  })
  if (answer === undefined) throw new Error(`the inspector did not answer ${method}`)
  if (answer.error !== null) throw new Error(`${method}: ${answer.error.message}`)
  return answer.result as T
}
