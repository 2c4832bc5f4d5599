import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absent, newDictionary } from './dictionary.ts'
import { gaugeRows, gauges } from './gauges.ts'
import { readOtlp } from './read-otlp.ts'
import type { Dictionary, Metrics, PointPlan } from './telemetry.ts'
import { key } from './value.ts'

const kind = key('kind')
const service = key('service.name')

function text(name: string, of: string, number: string): string {
  return JSON.stringify({
    resource: [['service.name', of]],
    scope: ['s', '', []],
    metric: [name, '1', 'gauge', 'none', false],
    attributes: [
      ['kind', 'x'],
      ['n', { int: number }],
    ],
  })
}

function newPlan(more: Partial<PointPlan> = {}): PointPlan {
  return { dictionary: newDictionary(100), series: newDictionary(100), ...more }
}

function batchOf(plan: PointPlan, names: readonly string[]): Metrics {
  const series = Uint32Array.from(names, (name) => plan.series.id(text(name, `${name} service`, '1')))
  const value = Float64Array.from(names, (_, i) => i)
  return gauges({ series, value, timeUnixNano: 1_700_000_000_000_000_001n, plan })
}

/** The same by way of bytes. */
function wired(batch: Metrics): Metrics {
  return readOtlp('metrics', Buffer.concat(batch.chunks), 'proto', { metadata: new Map() }) as Metrics
}

function shown(batch: Metrics, plan: PointPlan) {
  const made = batch.columns(plan)
  const { length, series, value, type, timeLo, timeHi } = made
  const columns = [...(plan.attributes ?? []), ...(plan.resource ?? [])].map((one) => made.attribute(one))
  return Array.from({ length }, (_, row) => [
    plan.series.text(series[row]!),
    value[row],
    type[row],
    timeLo[row],
    timeHi[row],
    ...columns.map((ids) => (ids[row] === absent ? undefined : plan.dictionary.text(ids[row]!))),
  ])
}

test('columns in the plan of a reader are those that the bytes would give, attributes too, and no bytes are made', () => {
  const batch = batchOf(newPlan(), ['a', 'b', 'a'])
  const keys = { attributes: [kind, key('none')], resource: [service] }
  const plan = newPlan(keys)
  const columns = shown(batch, plan)
  assert.equal(Reflect.get(batch, 'source') instanceof Function, true)
  assert.deepEqual(columns, shown(wired(batch), newPlan(keys)))
})

test('a series is read once, whatever batches it comes in', () => {
  const own = newPlan()
  let read = 0
  const counting: Dictionary = {
    get size() {
      return own.series.size
    },
    limit: own.series.limit,
    overflows: 0,
    id: (of) => own.series.id(of),
    text: (id) => {
      read++
      return own.series.text(id)
    },
  }
  const plan = newPlan()
  const producer = { ...own, series: counting }
  const ids = [batchOf(producer, ['a', 'b']), batchOf(producer, ['b', 'a', 'c'])].map((batch) => [
    ...batch.columns(plan).series,
  ])
  assert.equal(read, 3)
  assert.deepEqual(ids, [
    [1, 2],
    [2, 1, 3],
  ])
})

test('a series for which the reader has no room is 0, counted once', () => {
  const plan = newPlan({ series: newDictionary(1) })
  const producer = newPlan()
  for (let round = 0; round < 3; round++)
    assert.deepEqual([...batchOf(producer, ['a', 'b']).columns(plan).series], [1, 0])
  assert.equal(plan.series.overflows, 1)
})

test('columns are made once a plan, and rows of a batch that was changed are not told', () => {
  const batch = batchOf(newPlan(), ['a'])
  const plan = newPlan()
  assert.equal(batch.columns(plan), batch.columns(plan))
  assert.notEqual(gaugeRows(batch), undefined)
  assert.equal(gaugeRows(batch.edit((point) => point.attributes.set('more', 1))), undefined)
})
