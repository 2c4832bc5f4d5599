/** What the process under test looks like now, from its own metrics. */
export interface Sample {
  readonly rssMiB: number
  readonly heapMiB: number
  readonly loopP99Ms: number
}

export async function sampleOf(port: number): Promise<Sample> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  const mib = (name: string) => Math.round(value(name) / 1_048_576)
  return {
    rssMiB: mib('otelcol_process_memory_rss'),
    heapMiB: mib('otelcol_process_runtime_heap_alloc_bytes'),
    loopP99Ms: Math.round(value('vigil_event_loop_delay_seconds\\{quantile="0.99"\\}') * 1e5) / 100,
  }
}

/** Memory of the first and the last quarter of the run: flat = the later median is not above the earlier by more than a quarter. */
export function summarize(samples: readonly Sample[]): { text: string; isFlat: boolean } {
  const quarter = Math.max(1, Math.floor(samples.length / 4))
  const median = (list: readonly Sample[], of: (sample: Sample) => number) =>
    list.map(of).toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
  const [early, late] = [samples.slice(0, quarter), samples.slice(-quarter)]
  const rss = [median(early, (s) => s.rssMiB), median(late, (s) => s.rssMiB)] as const
  const heap = [median(early, (s) => s.heapMiB), median(late, (s) => s.heapMiB)] as const
  const loop = median(samples, (s) => s.loopP99Ms)
  const text = `| RSS MiB, median of the first and the last quarter | ${rss[0]}, ${rss[1]} |
| heap MiB, likewise | ${heap[0]}, ${heap[1]} |
| event-loop delay P99 ms, median of ${samples.length} samples | ${loop} |`
  return { text, isFlat: samples.length > 3 && rss[1] <= rss[0] * 1.25 }
}
