/** Suite `outputs`: the same OTLP through the same pipeline must come out the same, over every transport, on both ends of a wire. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Input, readInputs } from './inputs.ts'
import { inParallel, type Outcome, type Program } from './program.ts'
import { difference, recordsOf } from './records.ts'
import { type Pipeline, start, toFile, untilQuiet } from './run.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'
import { brief, type Finding } from './verdict.ts'

const suite = 'outputs'
/** Each case runs up to two Collectors at once. */
const lanes = 2
const shownRecords = 2

interface Transport {
  readonly name: string
  exporters(port: { readonly grpc: number; readonly http: number }): Pipeline
}

function overGrpc(compression: string): Transport {
  return {
    name: `gRPC, ${compression}`,
    exporters: ({ grpc }) => ({
      body: `exporters:\n  otlp_grpc: {endpoint: "127.0.0.1:${grpc}", tls: {insecure: true}, compression: ${compression}}`,
      exporters: 'otlp_grpc',
    }),
  }
}

function overHttp(encoding: string, compression: string): Transport {
  return {
    name: `HTTP ${encoding}, ${compression}`,
    exporters: ({ http }) => ({
      body: `exporters:\n  otlp_http: {endpoint: "http://127.0.0.1:${http}", encoding: ${encoding}, compression: ${compression}}`,
      exporters: 'otlp_http',
    }),
  }
}

const transports: readonly Transport[] = [
  ...['none', 'gzip', 'zstd', 'snappy'].map(overGrpc),
  ...['none', 'gzip', 'zstd', 'snappy', 'x-snappy-framed', 'zlib', 'deflate', 'lz4'].map((compression) =>
    overHttp('proto', compression),
  ),
  overHttp('json', 'gzip'),
]

interface Case {
  readonly name: string
  run(inputs: readonly Input[], folder: string): Promise<Finding[]>
}

export async function compareOutputs(contest: Contest): Promise<SuiteResult> {
  const inputs = await readInputs(contest)
  const records = recordsOf(inputs.map(({ body }) => JSON.stringify(JSON.parse(body))).join('\n')).length
  const cases = allCases(contest).filter((one) => isWanted(one.name, contest))
  const found = await inParallel(cases, lanes, async (one) =>
    name(suite, one.name, await one.run(inputs, join(contest.work, suite, one.name.replace(/\W+/g, '-')))),
  )
  const skipped = contest.binaries.telemetrygen ? [] : ['telemetrygen: none beside VIGIL_ORACLE']
  const notes = [`each output case is fed ${inputs.length} OTLP requests with ${records} records`]
  return { suite, cases: cases.length, disagreements: found.flat(), skipped, notes }
}

function allCases({ oracle, subject }: Contest): Case[] {
  // Upstream closes the file of the first pipeline that stops while others still write to it, and so loses data here.
  const drained: Case = {
    name: 'stopped at once: everything acknowledged is written',
    run: async (inputs, folder) => {
      const wanted = await pass(inputs, join(folder, 'oracle'), oracle)
      return compare(wanted, await pass(inputs, join(folder, 'subject'), subject, undefined, 'none'))
    },
  }
  const direct: Case = {
    name: 'posted JSON to a file',
    run: async (inputs, folder) => {
      const wanted = await pass(inputs, join(folder, 'oracle'), oracle)
      return compare(wanted, await pass(inputs, join(folder, 'subject'), subject))
    },
  }
  const relayed = transports.flatMap((transport): Case[] => {
    const chain = (relay: Program, sink: Program): Case['run'] => {
      return async (inputs, folder) => {
        const wanted = await pass(inputs, join(folder, 'oracle'), oracle, { relay: oracle, transport })
        return compare(wanted, await pass(inputs, join(folder, 'subject'), sink, { relay, transport }))
      }
    }
    return [
      { name: `received over ${transport.name}`, run: chain(oracle, subject) },
      { name: `sent over ${transport.name}`, run: chain(subject, oracle) },
    ]
  })
  return subject.name === oracle.name ? [direct, ...relayed] : [direct, drained, ...relayed]
}

interface Passed {
  readonly records: readonly string[]
  /** What each Collector on the way said when it could not start, or did not end well. */
  readonly trouble: string
  readonly answers: readonly string[]
}

/** Posts the inputs to the relay, or to the sink where there is none, and reads what the sink wrote. */
async function pass(
  inputs: readonly Input[],
  folder: string,
  sink: Program,
  through?: { readonly relay: Program; readonly transport: Transport },
  patience: 'none' | 'until all is written' = 'until all is written',
): Promise<Passed> {
  const file = join(folder, 'out.json')
  const last = await start(sink, join(folder, 'sink'), toFile(file))
  const first = through
    ? await start(through.relay, join(folder, 'relay'), through.transport.exporters(last.ports))
    : last
  const trouble = [last.trouble, first === last ? '' : first.trouble]
  const answers: string[] = []
  if (trouble.join('') === '') for (const input of inputs) answers.push(await post(first.ports.http, input))
  if (patience === 'until all is written') await untilQuiet(file)
  for (const one of new Set([first, last])) trouble.push(endedBadly(await one.stop()))
  const text = await readFile(file, 'utf8').catch(() => '')
  return { records: recordsOf(text), trouble: trouble.filter((line) => line !== '').join('\n'), answers }
}

function endedBadly(outcome: Outcome): string {
  const ended = outcome.exitCode === 0 && outcome.stderr.includes('Shutdown complete.')
  return ended ? '' : `after SIGTERM ${brief({ ...outcome, stderr: outcome.stderr.slice(-800) })}`
}

async function post(port: number, { name: title, path, body }: Input): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })
    return `${title}: ${response.status} ${response.headers.get('content-type')} ${await response.text()}`
  } catch (error) {
    return `${title}: ${String((error as Error).cause ?? error)}`
  }
}

function compare(wanted: Passed, given: Passed): Finding[] {
  // Nothing on both sides would agree, and prove nothing.
  if (wanted.trouble !== '' || wanted.records.length === 0)
    throw new Error(`the oracle wrote nothing: ${wanted.trouble}`)
  if (given.trouble !== '') return [{ check: 'output', oracle: 'starts, and stops with exit 0', vigil: given.trouble }]
  const findings: Finding[] = []
  const answers = difference(wanted.answers, given.answers)
  if (answers.missing.length > 0)
    findings.push({ check: 'output', oracle: answers.missing.join('\n'), vigil: answers.extra.join('\n') })
  const { missing, extra } = difference(wanted.records, given.records)
  if (missing.length + extra.length > 0) {
    const show = (records: string[], what: string) =>
      `${records.length} ${what}\n${records.slice(0, shownRecords).join('\n')}`
    findings.push({
      check: 'output',
      oracle: show(missing, 'records that only it wrote'),
      vigil: show(extra, 'of its own'),
    })
  }
  return findings
}
