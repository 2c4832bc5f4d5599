/** Cases of a component whose outcome the real Collector has shown: `testdata/cases.yaml`, and what was recorded in `testdata/upstream.json`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

const signal = z.enum(['traces', 'logs', 'metrics'])
const headers = z.record(z.string(), z.string())

const oneCase = z.strictObject({
  name: z.string(),
  signal,
  /** Of a connector: the signals that come out; otherwise the one that goes in. */
  outputs: z.array(signal).optional(),
  /** Of a connector that chooses: the pipelines it feeds, `logs/a`, as `config` names them; instead of `outputs`. */
  routes: z.array(z.string()).optional(),
  /** The component's body, as a user writes it. */
  config: z.string(),
  /** Of each request that has none of its own; the receiver has `include_metadata`. */
  headers: headers.default({}),
  /** A request in OTLP JSON, in `testdata/`; otherwise it is the one in `inputs/` for the signal. */
  input: z.string().optional(),
  /** Several requests, one after another, instead of `input`. */
  requests: z
    .array(
      z.strictObject({
        input: z.string().optional(),
        headers: headers.optional(),
        /** Milliseconds that pass after it: of real time in the recording, of the fake clock in the replay. */
        wait: z.number().default(0),
      }),
    )
    .optional(),
  /**
   * Milliseconds after the last request at which the outcome is read; for a component that emits again and again. Without it: when the
   * component has stopped.
   */
  until: z.number().optional(),
  /** Names of fields, and of attributes, whose values mean nothing: times, ids. Both sides show `*` for them. */
  volatile: z.array(z.string()).default([]),
  /** The order of resources, scopes, records, points and requests is the chance of Go's maps. */
  unordered: z.boolean().default(false),
  /** Significant digits in which doubles are compared: Go's exp and log are not V8's to the last bit. */
  digits: z.number().int().optional(),
})
export type UpstreamCase = z.output<typeof oneCase>
export type CaseSignal = z.output<typeof signal>

/** What came out, request by request, after the refusals (`{ refused: 503 }`); by output where there may be several. */
export type Outcome = readonly unknown[] | Readonly<Record<string, readonly unknown[]>>

export interface CaseRequest {
  /** OTLP JSON. */
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly waitMs: number
}

export async function readCases(folder: string): Promise<readonly UpstreamCase[]> {
  return z.array(oneCase).parse(parse(await readFile(join(folder, 'testdata/cases.yaml'), 'utf8')))
}

export async function requestsOf(one: UpstreamCase, folder: string): Promise<CaseRequest[]> {
  const requests = one.requests ?? [{ input: one.input, headers: one.headers, wait: 0 }]
  return Promise.all(
    requests.map(async ({ input, headers: own, wait }) => ({
      body: await readInput(one.signal, input, folder),
      headers: own ?? one.headers,
      waitMs: wait,
    })),
  )
}

function readInput(of: CaseSignal, input: string | undefined, folder: string): Promise<string> {
  if (input !== undefined) return readFile(join(folder, 'testdata', input), 'utf8')
  return readFile(join(import.meta.dirname, 'inputs', `${of}.json`), 'utf8')
}

/** Where the output is looked for: pipelines by id, or signals. */
export function targetsOf(one: UpstreamCase): readonly string[] {
  return one.routes ?? one.outputs ?? [one.signal]
}

/** `refused`: the HTTP status of each request that was. */
export function outcomeOf(
  one: UpstreamCase,
  byTarget: ReadonlyMap<string, readonly unknown[]>,
  refused: readonly number[],
): Outcome {
  const targets = targetsOf(one)
  const refusals = refused.map((status) => ({ refused: status }))
  const [only = '', ...others] = targets
  if (one.routes === undefined && others.length === 0) return [...refusals, ...(byTarget.get(only) ?? [])]
  const lists = targets.map((target) => [target, byTarget.get(target) ?? []] as const)
  return Object.fromEntries(refused.length === 0 ? lists : [['refused', refusals] as const, ...lists])
}
