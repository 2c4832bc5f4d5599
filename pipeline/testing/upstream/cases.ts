/** Cases of a component whose outcome the real Collector has shown: `testdata/cases.yaml`, and what was recorded in `testdata/upstream.json`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

const oneCase = z.strictObject({
  name: z.string(),
  signal: z.enum(['traces', 'logs', 'metrics']),
  /** The component's body, as a user writes it. */
  config: z.string(),
  /** Of the request; the receiver has `include_metadata`. */
  headers: z.record(z.string(), z.string()).default({}),
  /** A request in OTLP JSON, in `testdata/`; otherwise it is the one in `inputs/` for the signal. */
  input: z.string().optional(),
})
export type UpstreamCase = z.output<typeof oneCase>

export async function readCases(folder: string): Promise<readonly UpstreamCase[]> {
  return z.array(oneCase).parse(parse(await readFile(join(folder, 'testdata/cases.yaml'), 'utf8')))
}

/** The request in OTLP JSON. */
export async function inputOf({ signal, input }: UpstreamCase, folder: string): Promise<string> {
  if (input !== undefined) return readFile(join(folder, 'testdata', input), 'utf8')
  return readFile(join(import.meta.dirname, 'inputs', `${signal}.json`), 'utf8')
}

/** What the Collector sent, request by request, by case. */
export async function readRecorded(folder: string): Promise<Readonly<Record<string, readonly unknown[]>>> {
  return JSON.parse(await readFile(join(folder, 'testdata/upstream.json'), 'utf8')) as Record<string, unknown[]>
}
