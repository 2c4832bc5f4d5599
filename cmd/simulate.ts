/** `simulate`: plays a world of services with faults, and sends the telemetry that it would have sent. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { userAgent } from '../pipeline/net/user-agent.ts'
import type { CommandContext } from './command.ts'
import { type Protocol, protocols } from './generate/client.ts'
import { endpointUrl } from './generate/endpoint.ts'
import { newClient } from './generate/new-client.ts'
import { duration, number } from './option-values.ts'
import { openDoors } from './simulate/control/doors.ts'
import { fileSink } from './simulate/play/file-sink.ts'
import { otlpSink } from './simulate/play/otlp-sink.ts'
import { Pace, play } from './simulate/play/pace.ts'
import type { Sink } from './simulate/play/sink.ts'
import { registerRealism } from './simulate/realism/command.ts'
import { quiet, readScenario } from './simulate/scenario/read.ts'
import { prepare } from './simulate/scenario/run.ts'
import { writeTruth } from './simulate/scenario/write-truth.ts'
import { registerTopology } from './simulate/topology/command.ts'
import { readTopology } from './simulate/topology/read.ts'

interface SimulateFlags {
  readonly seed: number
  readonly speed: number
  readonly duration?: number
  readonly scenario?: string
  readonly truth?: string
  readonly start?: number
  readonly endpoint?: string
  readonly protocol: Protocol
  readonly insecure?: true
  readonly file?: string
  readonly control?: string
  readonly controlTruth?: true
  readonly kubernetes?: string
}

export function register(program: Command, context: CommandContext): void {
  const command = program
    .command('simulate')
    // What stands behind the name of one of its own commands belongs to that.
    .enablePositionalOptions()
    .description('Plays a world of services and sends the telemetry that it would have sent')
    .argument('<topology>', 'a YAML file; examples/topologies has some')
    .option('--seed <n>', 'the same seed gives the same telemetry', number(0, 0xffff_ffff), 1)
    .option('--speed <x>', 'times the speed of our time; 0 = as fast as it goes', number(0, 100_000), 1)
    .option('--scenario <file>', 'what happens: faults and ordinary days; examples/scenarios has some')
    .option('--truth <file>', 'where to write what really happened, as JSON, at the end')
    .option(
      '--duration <time>',
      "how much of the world is played, as 10m or 24h; the scenario's or 10m if absent",
      duration,
    )
    .option('--start <time>', 'when the world begins, as 2026-11-21T10:00:00Z; now if absent', instant)
    .option('--endpoint <address>', 'host:port or URL of a Collector')
    .addOption(new Option('--protocol <name>', 'OTLP transport').choices(protocols).default('grpc'))
    .option('--insecure', 'no TLS')
    .addOption(new Option('--file <path>', 'write OTLP JSON lines instead of sending').conflicts('endpoint'))
    .option('--control <address>', 'host:port where the world can be watched and acted on, as 127.0.0.1:8090')
    .option('--control-truth', 'tells the truth there too, to whoever asks')
    .option('--kubernetes <address>', 'host:port where its cluster answers as a Kubernetes API, as 127.0.0.1:8091')
    .action(async (file: string, flags: SimulateFlags) => simulate(file, flags, context))
  registerTopology(command, context)
  registerRealism(command, context)
}

async function simulate(file: string, flags: SimulateFlags, context: CommandContext): Promise<void> {
  const topology = await readTopology(file)
  const scenario = flags.scenario === undefined ? quiet : await readScenario(flags.scenario)
  const { seed, speed } = flags
  const durationMs = flags.duration ?? scenario.duration
  const startMs = flags.start ?? (scenario.start === undefined ? Date.now() : instant(scenario.start))
  const sink = sinkOf(flags, context)
  const playing = prepare({ topology, scenario, seed, startMs, send: (batch) => sink.send(batch) })
  const { world, exports, truth } = playing
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt)
  const pace = new Pace(speed)
  const doors = await openDoors({ ...flags, playing, pace, stop: interrupt })
  for (const line of doors.lines) context.stdout.write(`${line}\n`)
  try {
    const lagMs = await play(world, sink, { pace, durationMs, signal: interrupted.signal })
    exports.flushAll()
    const sent = await sink.close()
    if (flags.truth !== undefined) await writeTruth(flags.truth, { topology, scenario, seed }, truth)
    const { traces = 0, metrics = 0, logs = 0 } = sent.items
    context.stdout.write(
      `${topology.name}, seed ${seed}: ${Math.round(world.schedule.now / 1_000)} s of the world; ` +
        `${traces} spans, ${metrics} data points and ${logs} log records in ${sent.requests} requests` +
        `${speed > 0 && lagMs > 500 ? `; up to ${Math.round(lagMs)} ms behind` : ''}\n`,
    )
    if (sent.lost > 0) throw new Error(`${sent.lost} items were not taken: ${sent.errors.join('; ')}`)
  } finally {
    await doors.close()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt)
  }
}

function sinkOf({ file, endpoint, protocol, insecure }: SimulateFlags, { build }: CommandContext): Sink {
  if (file !== undefined) return fileSink(file)
  return otlpSink((signal) =>
    newClient({
      signal,
      protocol,
      compression: 'none',
      url: endpointUrl(endpoint, protocol, signal, insecure === true),
      headers: [],
      tls: {},
      timeoutMs: 10_000,
      userAgent: userAgent(build),
    }),
  )
}

function instant(text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write it as 2026-11-21T10:00:00Z.')
  return ms
}
