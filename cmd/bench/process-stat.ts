/** What the kernel says of a process: Linux only, as `/proc` is. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const ticksPerSecond =
  process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 100

export interface CpuTime {
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** Of all its threads, since it began. */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name may hold anything, so fields are counted from behind it: utime is the 14th field, stime the 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { userSeconds: Number(fields[11]) / ticksPerSecond, systemSeconds: Number(fields[12]) / ticksPerSecond }
}

/** Of its first thread: how long it ran and how long it stood in line for a core, which is the noise of the machine. */
export function mainThread(pid: number): { readonly ranSeconds: number; readonly waitedSeconds: number } {
  const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ').map(Number)
  return { ranSeconds: ran / 1e9, waitedSeconds: waited / 1e9 }
}

export interface Memory {
  readonly rssMb: number
  readonly maxRssMb: number
}

export function memory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN)
  return { rssMb: kilobytes('VmRSS') / 1_024, maxRssMb: kilobytes('VmHWM') / 1_024 }
}
