/** Upstream's own vectors: its inputs and outputs are read where they lie, the configurations of its tests stand in testdata/golden.yaml. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import factory from './index.ts'

interface GoldenCase {
  readonly name: string
  readonly signal: 'traces' | 'metrics' | 'logs' | 'profiles'
  readonly config: string
  /** The file with the output; named as the case unless given. */
  readonly golden?: string
}

const shared = process.env['VIGIL_SHARED'] ?? join(import.meta.dirname, '../../../shared')
const folder = join(shared, 'corpus/golden/connector_count/testdata')
const cases = parse(readFileSync(join(import.meta.dirname, 'testdata/golden.yaml'), 'utf8')) as readonly GoldenCase[]

for (const { name, signal, config, golden = name } of cases) {
  const input = join(folder, signal, 'input.yaml')
  const output = join(folder, signal, `${golden}.yaml`)
  const missing = [input, output].find((path) => !existsSync(path))
  const skip = missing !== undefined && `the golden file is not there: ${missing}`
  test(`golden: ${signal} ${name}`, { skip }, async () => {
    const { handle, context } = build(factory, config)
    await handle(otlp(signal, input))
    assert.deepEqual(
      context.recorded.emitted.flatMap(({ batch }) => linesOf(batch, config)).sort(),
      linesOf(otlp('metrics', output), config).sort(),
    )
  })
}

function otlp(signal: GoldenCase['signal'], path: string): Batch {
  return readOtlp(signal, Buffer.from(JSON.stringify(parse(readFileSync(path, 'utf8')))), 'json', {
    metadata: new Map(),
  })
}

interface Json {
  readonly [name: string]: unknown
}

/** One line a point, since order is the chance of Go's maps; without times, which upstream does not compare either. */
function linesOf(batch: Batch, config: string): string[] {
  const { resourceMetrics = [] } = JSON.parse(writeJson(batch)) as { resourceMetrics?: readonly Json[] }
  // Upstream's tests make settings that no YAML can make: without the metric of the kind that they leave out.
  const isLeftOut = (name: unknown) => name === 'metric.count' && config.startsWith('datapoints')
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    (scopeMetrics as Json[]).flatMap(({ scope, metrics }) =>
      (metrics as Json[])
        .filter(({ name }) => !isLeftOut(name))
        .flatMap(({ name, description, sum }) => {
          const { dataPoints, ...rest } = sum as Json
          return (dataPoints as Json[]).map(({ asInt, attributes = [] }) =>
            JSON.stringify({
              resource: sorted((resource as Json)['attributes'] ?? []),
              scope,
              name,
              description,
              rest,
              asInt,
              attributes: sorted(attributes),
            }),
          )
        }),
    ),
  )
}

function sorted(attributes: unknown): unknown {
  return (attributes as Json[]).map((attribute) => JSON.stringify(attribute)).sort()
}
