import type { Meter } from '../../pipeline/telemetry/meter.ts'
import type { Recorder } from './recorder.ts'
import type { Ring } from './ring.ts'

export function observe(meter: Meter, recorder: Recorder, main: Ring, slow: Ring): void {
  const name = (rest: string) => `otelcol_extension_flight_recorder_${rest}`
  for (const [ring, of] of [
    ['all', main],
    ['slow_statements', slow],
  ] as const) {
    meter.gauge(name('disk_bytes'), () => of.bytes, { ring }, 'Size of what is recorded.')
    meter.gauge(name('oldest_seconds'), () => of.oldestMs / 1_000, { ring }, 'When the oldest of it came, Unix time.')
  }
  meter.gauge(name('waiting_bytes'), () => recorder.waitingBytes, {}, 'What waits for the disk.')
  meter.observedCounter(name('recorded_items'), () => recorder.recordedItems, {}, 'Spans, records and points written.')
  meter.observedCounter(name('recorded_bytes'), () => recorder.recordedBytes, {}, 'Their OTLP bytes.')
}
