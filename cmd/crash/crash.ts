/** Kills a real Vigil again and again under load and says whether anything that it acknowledged was lost. */
import { setTimeout as wait } from 'node:timers/promises'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { Backend } from './backend.ts'
import { LoadClient } from './client.ts'
import { injure, makeDisk } from './disk.ts'
import { seeded } from './items.ts'

export interface CrashOptions {
  readonly items: number
  readonly kills: number
  readonly seed: number
  /** Whether every acknowledgement waits for the disk itself. */
  readonly fsync: boolean
  readonly say: (line: string) => void
}
export interface CrashReport {
  readonly sent: number
  readonly acknowledged: number
  readonly received: number
  readonly duplicates: number
  readonly lost: number
  readonly kills: number
  readonly tornTails: number
  /** Answers to come again because the disk was full, or why there were none. */
  readonly fullDisk: string
  readonly fullDiskRefusals: number
  readonly seconds: number
}

const itemsPerRequest = 200
const stallMs = 60_000
/** How often the full disk must have said no before the far end comes back. */
const wantedRefusals = 20

/** One life has the batching queue, the next has not, so that each reads what the other wrote. */
function yaml(directory: string, port: number, fsync: boolean, life: number): string {
  const batch = life % 2 === 1 ? ', batch: { flush_timeout: 20ms, min_size: 1000, max_size: 3000 }' : ''
  return `
extensions: { file_storage: { directory: '${directory}', fsync: ${fsync} } }
receivers: { otlp: { protocols: { grpc: { endpoint: 'localhost:0' }, http: { endpoint: 'localhost:0' } } } }
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:${port}
    compression: none
    retry_on_failure: { initial_interval: 20ms, max_interval: 200ms, max_elapsed_time: 0 }
    sending_queue: { storage: file_storage, queue_size: 1000000, num_consumers: 4${batch} }
service:
  telemetry: { logs: { encoding: json, level: info }, metrics: { level: none } }
  extensions: [file_storage]
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
`
}

export async function crash({ items, kills, seed, fsync, say }: CrashOptions): Promise<CrashReport> {
  const random = seeded(seed)
  const startedMs = Date.now()
  const disk = makeDisk(items)
  const backend = new Backend(items, seeded(seed + 1))
  await backend.listen()
  const client = new LoadClient(items, itemsPerRequest)
  let vigil: VigilProcess | undefined
  let tornTails = 0
  let fullDiskRefusals = 0
  try {
    const start = async (life: number) => {
      const text = yaml(disk.directory, backend.port, fsync, life)
      vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': text })
      await vigil.ready()
      client.address = { grpc: await vigil.port('gRPC'), http: await vigil.port('HTTP') }
      return vigil
    }
    const running = client.run()
    const progress = async (count: number) => {
      let before = -1
      let sinceMs = Date.now()
      while (client.acknowledgedCount < count) {
        if (client.acknowledgedCount !== before) {
          before = client.acknowledgedCount
          sinceMs = Date.now()
        } else if (Date.now() - sinceMs > stallMs) throw new Error(`stalled: ${vigil?.stderr.slice(-2_000)}`)
        await wait(5)
      }
    }
    /** The far end goes away until the disk is full and has said so. */
    const fillDisk = async () => {
      const before = client.refusals
      backend.isDown = true
      const untilMs = Date.now() + stallMs
      while (client.refusals - before < wantedRefusals && client.acknowledgedCount < items && Date.now() < untilMs) {
        await wait(5)
      }
      backend.isDown = false
      fullDiskRefusals += client.refusals - before
    }
    const fullIn = disk.unbounded === undefined ? new Set([1, Math.floor(kills / 2), kills]) : new Set<number>()
    for (let life = 0; life <= kills; life++) {
      const current = await start(life)
      const share = items / (kills + 1)
      await progress(Math.floor(share * (life + random() * 0.8)))
      if (fullIn.has(life)) await fillDisk()
      // Sometimes while everything flows, sometimes while the far end is gone.
      backend.isDown = random() < 0.3
      if (life === kills) break
      await wait(random() * 120)
      client.address = undefined
      await current.stop('SIGKILL')
      tornTails += current.lines.filter(({ msg }) => msg.includes('half written')).length
      const injury = injure(disk.directory, random)
      backend.isDown = false
      say(
        `kill ${life + 1}: ${client.acknowledgedCount} acknowledged, ${backend.distinct} received; then to the files: ${injury}`,
      )
    }
    backend.isDown = false
    await progress(items)
    await running
    await drain(backend, items)
    const last = vigil as VigilProcess | undefined
    tornTails += last?.lines.filter(({ msg }) => msg.includes('half written')).length ?? 0
  } finally {
    client.stop()
    await vigil?.stop()
    backend.close()
    disk.close()
  }
  let lost = 0
  for (let i = 0; i < items; i++) if (client.acknowledged[i] === 1 && backend.received[i] === 0) lost++
  return {
    sent: client.sent,
    acknowledged: client.acknowledgedCount,
    received: backend.distinct,
    duplicates: backend.duplicates,
    lost,
    kills,
    tornTails,
    fullDisk: disk.unbounded ?? `${fullDiskRefusals} refusals`,
    fullDiskRefusals,
    seconds: (Date.now() - startedMs) / 1_000,
  }
}

/** Until all has come, or nothing comes any more. */
async function drain(backend: Backend, items: number): Promise<void> {
  let before = -1
  let sinceMs = Date.now()
  while (backend.distinct < items && Date.now() - sinceMs < stallMs / 4) {
    if (backend.distinct !== before) {
      before = backend.distinct
      sinceMs = Date.now()
    }
    await wait(10)
  }
}
