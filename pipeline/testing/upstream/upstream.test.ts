import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { outcomeOf, type UpstreamCase } from './cases.ts'
import { collectorConfig, type Setting } from './collector-config.ts'
import { normalOutcome } from './normal.ts'

const one: UpstreamCase = { name: 'a', signal: 'logs', config: '', headers: {}, volatile: [], unordered: false }
const routed: UpstreamCase = {
  ...one,
  routes: ['logs/a', 'logs/a-b'],
  config: 'default_pipelines: [logs/a, logs/a-b]\ntable: [{condition: \'body == "logs/ab"\', pipelines: [logs/a]}]',
}
const setting: Setting = { section: 'connectors', type: 'routing', ports: [1, 2], work: '/w' }

test('cases that share one Collector have pipelines of their own, under the names that their configs use', () => {
  const config = parse(collectorConfig([routed, routed], setting)) as {
    connectors: Record<string, { default_pipelines: string[]; table: { condition: string; pipelines: string[] }[] }>
    service: { pipelines: Record<string, unknown> }
  }
  assert.deepEqual(config.connectors['routing/1'], {
    default_pipelines: ['logs/a-1', 'logs/a-b-1'],
    table: [{ condition: 'body == "logs/ab"', pipelines: ['logs/a-1'] }],
  })
  const wanted = [0, 1].flatMap((i) => [`logs/${i}-in`, `logs/a-${i}`, `logs/a-b-${i}`])
  assert.deepEqual(Object.keys(config.service.pipelines), wanted)
})

test('an outcome is a list where there is one output, and says what was refused', () => {
  const written = new Map([
    ['logs', [1]],
    ['metrics', [2]],
    ['logs/a', [3]],
  ])
  assert.deepEqual(outcomeOf(one, written, [503]), [{ refused: 503 }, 1])
  assert.deepEqual(outcomeOf({ ...one, outputs: ['metrics'] }, written, []), [2])
  assert.deepEqual(outcomeOf({ ...one, outputs: ['metrics', 'traces'] }, written, []), { metrics: [2], traces: [] })
  assert.deepEqual(outcomeOf({ ...one, routes: ['logs/a'] }, written, [500]), {
    refused: [{ refused: 500 }],
    'logs/a': [3],
  })
})

test('what means nothing makes no difference, and all else does', () => {
  const outcome = (keys: readonly string[], names: readonly string[], time: string, id: string) => [
    {
      resourceLogs: names.map((name) => ({
        resource: { attributes: keys.map((key) => ({ key, value: { stringValue: key === 'id' ? id : name } })) },
        timeUnixNano: time,
      })),
    },
  ]
  const loose = { ...one, volatile: ['timeUnixNano', 'id'], unordered: true }
  const [first, second] = [outcome(['a', 'id'], ['x', 'y'], '1', 'p'), outcome(['id', 'a'], ['y', 'x'], '2', 'q')]
  assert.deepEqual(normalOutcome(first, loose), normalOutcome(second, loose))
  assert.notDeepEqual(normalOutcome(first, one), normalOutcome(second, one))
  assert.notDeepEqual(normalOutcome(first, loose), normalOutcome(outcome(['a', 'id'], ['x', 'z'], '1', 'p'), loose))
})
