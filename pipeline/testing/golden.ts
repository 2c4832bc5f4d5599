/** Upstream's golden cases, inputs and outputs read where they lie. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { Factory } from '../component.ts'
import { noOrigin } from '../data/batch.ts'
import { writeJson } from '../data/json/write-json.ts'
import { readOtlp } from '../data/read-otlp.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { build } from './build.ts'
import { sharedPath, skipWithout } from './shared-files.ts'

export interface Json {
  readonly [name: string]: unknown
}

/** OTLP as upstream's `golden` package writes it: JSON as YAML. */
export function readGolden(signal: Signal, path: string): Batch {
  return readOtlp(signal, Buffer.from(JSON.stringify(parse(readFileSync(path, 'utf8')))), 'json', noOrigin)
}

/** A data point with all that it stands in. */
export interface GoldenPoint {
  readonly resource: Json
  readonly scope: Json
  readonly name: unknown
  readonly description: unknown
  readonly unit: unknown
  readonly type: string
  /** What the metric has beside its points. */
  readonly rest: Json
  readonly attributes: readonly Json[]
  /** Without its attributes. */
  readonly point: Json
}

export function goldenPoints(batch: Batch): readonly GoldenPoint[] {
  const { resourceMetrics = [] } = JSON.parse(writeJson(batch)) as { resourceMetrics?: readonly Json[] }
  return resourceMetrics.flatMap(({ resource = {}, scopeMetrics }) =>
    (scopeMetrics as Json[]).flatMap(({ scope = {}, metrics }) =>
      (metrics as Json[]).flatMap(({ name, description, unit, ...data }) => {
        const [type] = Object.keys(data) as [string]
        const { dataPoints, ...rest } = data[type] as Json
        return (dataPoints as Json[]).map(({ attributes = [], ...point }) => ({
          resource: resource as Json,
          scope: scope as Json,
          name,
          description,
          unit,
          type,
          rest,
          attributes: attributes as readonly Json[],
          point,
        }))
      }),
    ),
  )
}

/** Comparable: their order is the chance of Go's maps. */
export function sortedAttributes(attributes: unknown = []): readonly string[] {
  return (attributes as readonly Json[]).map((attribute) => JSON.stringify(attribute)).sort()
}

interface GoldenCase {
  readonly name: string
  readonly signal: Signal
  readonly config: string
  /** The file with the output; named as the case unless given. */
  readonly golden?: string
}

/** For a connector that counts: the cases of its `testdata/golden.yaml`, of which a test each. `lineOf` makes points comparable; undefined leaves one out. */
export function describeGolden(
  factory: Factory,
  dirname: string,
  lineOf: (point: GoldenPoint, config: string) => string | undefined,
): void {
  const folder = sharedPath(`corpus/golden/connector_${factory.type}/testdata`)
  const cases = parse(readFileSync(join(dirname, 'testdata/golden.yaml'), 'utf8')) as readonly GoldenCase[]
  for (const { name, signal, config, golden = name } of cases) {
    const input = join(folder, signal, 'input.yaml')
    const output = join(folder, signal, `${golden}.yaml`)
    const lines = (batch: Batch) =>
      goldenPoints(batch)
        .map((point) => lineOf(point, config))
        .filter((line) => line !== undefined)
    test(`golden: ${signal} ${name}`, { skip: skipWithout(input, output) }, async () => {
      const { handle, context } = build(factory, config)
      await handle(readGolden(signal, input))
      const found = context.recorded.emitted.flatMap(({ batch }) => lines(batch))
      assert.deepEqual(found.sort(), lines(readGolden('metrics', output)).sort())
    })
  }
}
