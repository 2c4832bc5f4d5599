/** State by metric and stream: two levels, so that the long text of resource, scope and metric is kept once for all streams of a metric. */
export class StreamMap<State> {
  readonly limit: number
  size = 0
  private readonly metrics = new Map<string, Map<string, State>>()

  constructor(limit: number) {
    this.limit = limit
  }

  get(metric: string, stream: string): State | undefined {
    return this.metrics.get(metric)?.get(stream)
  }

  /** False = full: what to do then is the caller's to say, and to count. The stream must be a new one. */
  add(metric: string, stream: string, state: State): boolean {
    if (this.size >= this.limit) return false
    let streams = this.metrics.get(metric)
    if (streams === undefined) {
      streams = new Map()
      this.metrics.set(metric, streams)
    }
    streams.set(stream, state)
    this.size++
    return true
  }

  /** Forgets the streams that `isOver` says yes to. */
  sweep(isOver: (state: State) => boolean): void {
    for (const [metric, streams] of this.metrics) {
      for (const [stream, state] of streams) {
        if (!isOver(state)) continue
        streams.delete(stream)
        this.size--
      }
      if (streams.size === 0) this.metrics.delete(metric)
    }
  }

  /** Everything, for `save`. */
  entries(): readonly (readonly [metric: string, streams: readonly (readonly [string, State])[]])[] {
    return [...this.metrics].map(([metric, streams]) => [metric, [...streams]] as const)
  }
}
