import type { ServerResponse } from 'node:http'
import type { Clock } from '../../pipeline/component.ts'
import { shownCommandLine } from '../../pipeline/telemetry/command-line.ts'
import { answer } from '../../pipeline/telemetry/http-page.ts'
import { CallTree } from './call-tree.ts'
import { writePprof } from './pprof-format.ts'
import { startCpu, startHeap } from './profiler.ts'

const cpuIntervalUs = 1_000
const heapIntervalBytes = 32_768
/** V8 keeps every sample until the end; 5 minutes are about 20 MB. */
const maxSeconds = 300
const formats = ['pprof', 'v8'] as const

interface Answer {
  readonly body: Uint8Array
  readonly name: string
}
type Format = (typeof formats)[number]
interface Kind {
  readonly defaultSeconds: number
  /** The answer ends the profile and gives what is downloaded. */
  start(): (durationNano: bigint, startUnixNano: bigint, format: Format) => Answer
}
interface Asked {
  readonly kind: Kind
  readonly seconds: number
  readonly format: Format
}
/** What is answered at once. */
interface Refusal {
  readonly status: number
  readonly body: string
}

/** The profiles by name; one is taken at a time. */
const kinds: Readonly<Record<string, Kind>> = {
  profile: {
    defaultSeconds: 30,
    start() {
      const running = startCpu(cpuIntervalUs)
      return (durationNano, startUnixNano, format) => {
        const profile = running.stop()
        if (format === 'v8') return { body: json(profile), name: 'vigil.cpuprofile' }
        const tree = new CallTree()
        tree.addCpu(profile)
        const value = { type: 'cpu', unit: 'nanoseconds' }
        const body = writePprof(tree, { value, period: cpuIntervalUs * 1_000, durationNano, startUnixNano })
        return { body, name: 'profile' }
      }
    },
  },
  heap: heapKind('heap', 'inuse_space', false),
  allocs: heapKind('allocs', 'alloc_space', true),
}

function heapKind(name: string, type: string, withFreed: boolean): Kind {
  return {
    defaultSeconds: 10,
    start() {
      const running = startHeap(heapIntervalBytes, withFreed)
      return (durationNano, startUnixNano, format) => {
        const profile = running.stop()
        if (format === 'v8') return { body: json(profile), name: `vigil-${name}.heapprofile` }
        const tree = new CallTree()
        tree.addHeap(profile)
        const shape = { value: { type, unit: 'bytes' }, period: heapIntervalBytes, durationNano, startUnixNano }
        return { body: writePprof(tree, shape), name }
      }
    },
  }
}

export const indexPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>/debug/pprof/</title></head><body>
<h2>/debug/pprof/</h2>
<ul>
<li><a href="profile?seconds=10">profile</a>: CPU; ?seconds=N, 30 unless told
<li><a href="heap?seconds=10">heap</a>: what was allocated within ?seconds=N, 10 unless told, and is still in use
<li><a href="allocs?seconds=10">allocs</a>: likewise, with what was freed again
<li><a href="cmdline">cmdline</a>: the command line
</ul>
<p>Read with <code>go tool pprof</code>; with &amp;format=v8 in the developer tools of a browser.</p>
</body></html>
`

export class Pages {
  readonly #clock: Clock
  readonly #isProfiling: () => boolean
  #current: { end(why?: string): void } | undefined

  constructor(clock: Clock, isProfiling: () => boolean) {
    this.#clock = clock
    this.#isProfiling = isProfiling
  }

  answer(url: URL, response: ServerResponse): void {
    const asked = this.#read(url)
    if ('status' in asked) text(response, asked.status, asked.body)
    else this.#run(asked, response)
  }

  /** Ends the profile that is being taken. */
  stop(): void {
    this.#current?.end('Vigil shuts down\n')
  }

  #read({ pathname, searchParams }: URL): Asked | Refusal {
    const name = pathname.replace(/^\/debug\/pprof\//, '')
    if (name === 'cmdline') return { status: 200, body: cmdline(process.argv) }
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) {
      return { status: 404, body: 'Unknown profile; there are: profile, heap, allocs, cmdline\n' }
    }
    const seconds = secondsOf(searchParams.get('seconds'), kind)
    if (typeof seconds === 'string') return { status: 400, body: seconds }
    const format = formats.find((one) => one === (searchParams.get('format') ?? 'pprof'))
    if (format === undefined) return { status: 400, body: `format is one of: ${formats.join(', ')}\n` }
    const why =
      this.#current !== undefined
        ? 'another profile is being taken'
        : name === 'profile' && this.#isProfiling()
          ? 'save_to_file takes a CPU profile'
          : undefined
    if (why !== undefined) return { status: 409, body: `Could not enable profiling: ${why}; try again later\n` }
    return { kind, seconds, format }
  }

  #run({ kind, seconds, format }: Asked, response: ServerResponse): void {
    const startUnixNano = this.#clock.nowUnixNano()
    const stop = kind.start()
    const end = (why?: string) => {
      if (this.#current !== current) return
      this.#current = undefined
      cancel()
      const { body, name } = stop(this.#clock.nowUnixNano() - startUnixNano, startUnixNano, format)
      if (why === undefined) download(response, name, body)
      else text(response, 503, why)
    }
    const current = { end }
    this.#current = current
    const cancel = this.#clock.after(seconds * 1_000, () => end())
    // Who hangs up must not keep the profiler busy for others.
    response.once('close', () => end('closed\n'))
  }
}

function secondsOf(given: string | null, { defaultSeconds }: Kind): number | string {
  if (given === null) return defaultSeconds
  const seconds = Number(given)
  if (given !== '' && seconds > 0 && seconds <= maxSeconds) return seconds
  return `seconds is a number above 0 and at most ${maxSeconds}, got ${JSON.stringify(given)}\n`
}

/** As Go: separated by NUL. */
export function cmdline(argv: readonly string[]): string {
  return shownCommandLine(argv).join('\0')
}

function download(response: ServerResponse, name: string, body: Uint8Array): void {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${name}"`,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}
function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
function text(response: ServerResponse, status: number, body: string): void {
  answer(response, status, 'text/plain; charset=utf-8', body, { 'x-content-type-options': 'nosniff' })
}
