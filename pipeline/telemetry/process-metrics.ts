/** `otelcol_process_*`: what upstream says of its own process, as far as Node knows it (not how much was ever allocated). */
import { memoryUsage, resourceUsage } from 'node:process'
import { getHeapStatistics } from 'node:v8'
import type { Meter } from './meter.ts'
import { usedMemoryBytes } from './used-memory.ts'

export function registerProcessMetrics(meter: Meter): void {
  meter.observedCounter('otelcol_process_uptime', () => process.uptime(), undefined, 'Uptime of the process [Alpha]')
  meter.observedCounter(
    'otelcol_process_cpu_seconds',
    () => {
      const { userCPUTime, systemCPUTime } = resourceUsage()
      return (userCPUTime + systemCPUTime) / 1e6
    },
    undefined,
    'Total CPU user and system time in seconds [Alpha]',
  )
  meter.gauge(
    'otelcol_process_memory_rss',
    () => memoryUsage.rss(),
    undefined,
    'Total physical memory (resident set size) [Alpha]',
  )
  meter.gauge(
    'otelcol_process_runtime_heap_alloc_bytes',
    usedMemoryBytes,
    undefined,
    'Bytes of live and not yet collected objects, buffers and worker threads included [Alpha]',
  )
  meter.gauge(
    'otelcol_process_runtime_total_sys_memory_bytes',
    () => {
      const heap = getHeapStatistics()
      return heap.total_heap_size + heap.malloced_memory + memoryUsage().arrayBuffers
    },
    undefined,
    'Total bytes of memory obtained from the OS for heap and buffers of the main thread [Alpha]',
  )
}
