/** `generate`: sends made-up telemetry to an OTLP endpoint, to try a pipeline or to load it. */
import { readFileSync } from 'node:fs'
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { itemNoun } from '../pipeline/data/telemetry.ts'
import { userAgent } from '../pipeline/net/user-agent.ts'
import type { CommandContext } from './command.ts'
import { type Compression, compressions, type Protocol, protocols } from './generate/client.ts'
import { endpointUrl } from './generate/endpoint.ts'
import { newClient } from './generate/new-client.ts'
import { type GeneratedSignal, generatedSignals, newPayloads } from './generate/payloads.ts'
import { type Summary, send } from './generate/send.ts'
import { describeSummary } from './generate/summary.ts'
import { duration, wholeNumber } from './option-values.ts'

interface GenerateFlags {
  readonly endpoint?: string
  readonly protocol: Protocol
  readonly insecure?: true
  readonly insecureSkipVerify?: true
  readonly caFile?: string
  readonly duration?: number
  readonly rate: number
  readonly total?: number
  readonly workers: number
  readonly batchSize: number
  readonly compression: Compression
  readonly service?: string
  readonly seed: number
  readonly header: readonly (readonly [string, string])[]
  readonly timeout: number
  readonly maxRetries: number
  readonly output: 'text' | 'json'
}

const defaultDurationMs = 10_000
/** Where only `--total` was given: a server that never answers must not hold the command for ever. */
const maxDurationMs = 3_600_000

export function register(program: Command, context: CommandContext): void {
  program
    .command('generate')
    .description('Sends made-up traces, metrics or logs to an OTLP endpoint')
    .addArgument(new Argument('<signal>', 'what to send').choices(generatedSignals))
    .option('--endpoint <address>', 'host:port or URL; localhost:4317 for gRPC, localhost:4318 for HTTP if absent')
    .addOption(new Option('--protocol <name>', 'OTLP transport').choices(protocols).default('grpc'))
    .option('--insecure', 'no TLS')
    .option('--insecure-skip-verify', "TLS without verifying the server's certificate")
    .option('--ca-file <file>', 'CA certificates (PEM) that the server is verified with')
    .option('--duration <time>', 'how long, as 10s or 5m; 10s if neither this nor --total is given', timer)
    .option('--rate <n>', 'spans, data points or log records a second; 0 = as fast as it goes', wholeNumber(0), 100)
    .option('--total <n>', 'stop after this many of them', wholeNumber(1))
    .option('--workers <n>', 'senders, each with a connection of its own', wholeNumber(1, 1_000), 1)
    .option('--batch-size <n>', 'how many in one request', wholeNumber(1, 100_000), 100)
    .addOption(new Option('--compression <name>', 'of the requests').choices(compressions).default('none'))
    .option('--service <name>', 'service.name; if absent, the services of a small shop')
    .option('--seed <n>', 'the same seed gives the same telemetry, times aside', wholeNumber(0, 0xffff_ffff), 1)
    .option('--header <key=value>', 'sent with every request; may be repeated', header, [])
    .option('--timeout <time>', 'how long to wait for one answer', timer, 10_000)
    .option(
      '--max-retries <n>',
      'how often one request is sent again after a retryable failure',
      wholeNumber(0, 1_000),
      5,
    )
    .addOption(new Option('--output <format>', 'of the summary').choices(['text', 'json']).default('text'))
    .action(async (signal: GeneratedSignal, flags: GenerateFlags) => {
      const summary = await generate(signal, flags, context)
      context.stdout.write(
        flags.output === 'json'
          ? `${JSON.stringify(summary)}\n`
          : describeSummary(summary, itemNoun[signal].replace('_', ' ')),
      )
      if (summary.refused + summary.rejected > 0) throw new Error(advice(summary, flags))
    })
}

async function generate(signal: GeneratedSignal, flags: GenerateFlags, context: CommandContext): Promise<Summary> {
  const url = endpointUrl(flags.endpoint, flags.protocol, signal, flags.insecure === true)
  const tls = {
    ...(flags.caFile === undefined ? {} : { ca: readFileSync(flags.caFile) }),
    rejectUnauthorized: flags.insecureSkipVerify !== true,
  }
  const { protocol, compression, header: headers, timeout: timeoutMs } = flags
  const client = { signal, protocol, compression, url, headers, tls, timeoutMs, userAgent: userAgent(context.build) }
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt)
  try {
    return await send({
      rate: flags.rate,
      durationMs: flags.duration ?? (flags.total === undefined ? defaultDurationMs : maxDurationMs),
      total: flags.total ?? Number.MAX_SAFE_INTEGER,
      workers: flags.workers,
      batchSize: flags.batchSize,
      maxRetries: flags.maxRetries,
      signal: interrupted.signal,
      newClient: () => newClient(client),
      next: newPayloads(signal, { seed: flags.seed, service: flags.service, startedUnixMs: Date.now() }),
    })
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt)
  }
}

function advice(summary: Summary, flags: GenerateFlags): string {
  const [first = ''] = Object.keys(summary.errors)
  const lost = `${summary.refused + summary.rejected} of ${summary.sent} were not taken: ${first}`
  if (/ECONNREFUSED/.test(first)) return `${lost}\nNobody listens there: start a Collector, or name another --endpoint.`
  if (/wrong version number|packet length too long|TLS/.test(first) && flags.insecure !== true)
    return `${lost}\nIs there no TLS at that port? Then pass --insecure.`
  return lost
}

/** Timers hold 2^31 ms. */
function timer(text: string): number {
  const ms = duration(text)
  if (ms > 2 ** 31 - 1) throw new InvalidArgumentError('It must be more than 0 and less than 596h.')
  return ms
}

function header(text: string, before: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as key=value.')
  return [...before, [text.slice(0, at).trim(), text.slice(at + 1).trim()]]
}
