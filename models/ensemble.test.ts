import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Column, plainColumn } from './column.ts'
import { Ensemble, ensembleDefaults } from './ensemble.ts'
import { normals, uniforms } from './fixtures/random.ts'

/** Latency, requests a minute, share of them that fail, and the requests again to stand beside. */
const columns: readonly Column[] = [
  { ...plainColumn, statistic: 'log', bad: 'high', floor: 0.02, offset: 1e-4, support: 3 },
  { ...plainColumn, statistic: 'count', floor: 0.02 },
  { ...plainColumn, statistic: 'ratio', bad: 'high', floor: 0.001, support: 3 },
  { ...plainColumn, statistic: 'support' },
]

function ensemble(capacity: number, more: Partial<typeof ensembleDefaults> = {}): Ensemble {
  return new Ensemble({ ...ensembleDefaults, warmupTicks: 30, columns, capacity, ...more })
}

/** Rows of `count` entities that differ in size, autocorrelated; the fault is of entity 0. */
class Source {
  readonly #normal: () => number
  readonly #uniform: () => number
  readonly #walks: Float64Array
  readonly entities: Int32Array
  readonly values: Float64Array

  constructor(count: number, seed: number) {
    this.#normal = normals(seed)
    this.#uniform = uniforms(seed + 1)
    this.#walks = new Float64Array(count)
    this.entities = Int32Array.from({ length: count }, (_, i) => i)
    this.values = new Float64Array(count * columns.length)
  }

  next({ slow = 1, traffic = 1, failing = 0.01 } = {}): this {
    for (const i of this.entities.keys()) {
      const isHit = i === 0
      const walk = 0.9 * this.#walks[i]! + Math.sqrt(1 - 0.81) * this.#normal()
      this.#walks[i] = walk
      const mean = 100 * (1 + i) * Math.exp(0.05 * walk) * (isHit ? traffic : 1)
      const count = Math.max(0, Math.round(mean + Math.sqrt(mean) * this.#normal()))
      let errors = 0
      const ratio = isHit ? failing : 0.01
      for (let k = 0; k < count; k++) if (this.#uniform() < ratio) errors++
      const latency = 0.05 * Math.exp(0.1 * walk + 0.05 * this.#normal()) * (isHit ? slow : 1)
      this.values.set([latency, count, count === 0 ? Number.NaN : errors / count, count], i * columns.length)
    }
    return this
  }
}

function run(model: Ensemble, source: Source, ticks: number, from = 0, fault?: Parameters<Source['next']>[0]) {
  const out = new Float64Array(source.entities.length)
  const weights = new Float64Array(source.entities.length).fill(1)
  const all: number[] = []
  for (let tick = from; tick < from + ticks; tick++) {
    model.at({ tick, hour: Math.floor(tick / 60), hourOfWeek: Number.NaN })
    model.score(source.next(fault), out)
    all.push(...out)
    model.update(source, weights)
  }
  return all
}

test('p is how often it happens, over entities that differ in size', () => {
  const model = ensemble(20)
  const source = new Source(20, 3)
  run(model, source, 1500)
  const nats = run(model, source, 5000, 1500)
  const below = (p: number) => nats.filter((one) => one > -Math.log(p)).length / nats.length / p
  for (const p of [1e-2, 1e-3, 1e-4]) assert.ok(below(p) > 0.5 && below(p) < 2, `${below(p)} times what ${p} says`)
})

suite('a fault is strange at once, and its column is named first', () => {
  for (const [name, fault, column] of [
    ['slow', { slow: 3 }, 0],
    ['silent', { traffic: 0 }, 1],
    ['failing', { failing: 0.2 }, 2],
  ] as const)
    test(name, () => {
      const model = ensemble(4)
      const source = new Source(4, 5)
      run(model, source, 300)
      const out = new Float64Array(4)
      model.at({ tick: 300, hour: 5, hourOfWeek: Number.NaN })
      model.score(source.next(fault), out)
      assert.ok(out[0]! > -Math.log(1e-6), `p is ${Math.exp(-out[0]!)}`)
      for (const other of out.slice(1)) assert.ok(other < 8, `${other}`)
      const [first] = model.explain(source, 0)
      assert.equal(first?.column, column)
      assert.ok(first.contribution > 0.4 && first.contribution <= 1)
      const value = source.values[column]!
      assert.ok(value < first.lower || value > first.upper, `${value} within ${first.lower} to ${first.upper}`)
    })
})

test('a new entity of a known class is judged by the class as soon as it is warm', () => {
  const model = ensemble(21)
  run(model, new Source(20, 7), 400)
  const source = new Source(1, 9)
  source.entities[0] = 20
  const cold = run(model, source, 30, 400)
  assert.ok(cold.every(Number.isNaN))
  const warm = run(model, source, 200, 430)
  assert.ok(
    warm.slice(2).every((nats) => nats < 9),
    `${Math.max(...warm.slice(2))}`,
  )
})

test('what is strange does not teach, until acceptTicks say that this is how things are', () => {
  const model = ensemble(1, { acceptTicks: 200 })
  const source = new Source(1, 11)
  run(model, source, 300)
  const fault = run(model, source, 199, 300, { slow: 3 })
  assert.ok(Math.min(...fault) > -Math.log(1e-4), `${Math.min(...fault)}`)
  const after = run(model, source, 200, 499, { slow: 3 })
  assert.ok(after.slice(-100).every((nats) => nats < 8))
})

test('weight 0 leaves no trace; windows that overlap teach once', () => {
  const one = ensemble(1)
  run(one, new Source(1, 13), 100)
  const before = JSON.stringify(one.saveEntity(0)?.seasonal?.drift)
  const source = new Source(1, 15)
  const out = new Float64Array(1)
  one.at({ tick: 100, hour: 1, hourOfWeek: 1 })
  one.score(source.next(), out)
  one.update(source, new Float64Array(1))
  assert.equal(JSON.stringify(one.saveEntity(0)?.seasonal?.drift), before)
  const strided = new Ensemble({
    ...ensembleDefaults,
    columns: [{ ...plainColumn, stride: 6 }],
    capacity: 1,
    warmupTicks: 6,
  })
  const batch = { entities: Int32Array.of(0), values: Float64Array.of(1) }
  for (let tick = 0; tick < 600; tick++) {
    strided.at({ tick, hour: 0, hourOfWeek: Number.NaN })
    strided.score(batch, out)
    strided.update(batch, Float64Array.of(1))
  }
  assert.equal(strided.saveEntity(0)?.seasonal?.rows[0], 100)
})

test('a restored ensemble answers as the original, whenever it is saved, histories of single entities included', () => {
  for (const ticks of [20, 90, 400]) {
    const [original, copy] = [ensemble(3), ensemble(3)]
    original.admit(1)
    run(original, new Source(3, 17), ticks)
    copy.restore(structuredClone(original.save()))
    for (const slot of [0, 1, 2]) copy.restoreEntity(slot, structuredClone(original.saveEntity(slot)!))
    assert.deepEqual(run(copy, new Source(3, 19), 200, ticks), run(original, new Source(3, 19), 200, ticks))
    assert.ok(copy.isAdmitted(1) && !copy.isAdmitted(0))
    assert.equal(copy.bytes(1), original.bytes(1))
  }
  assert.throws(
    () => new Ensemble({ ...ensembleDefaults, columns: [plainColumn], capacity: 1 }).restore(ensemble(1).save()),
    /other columns/,
  )
  assert.equal(ensemble(1).saveEntity(0), undefined)
})

test('a slot starts anew once forgotten; shapes and slots that are not its own are refused', () => {
  const model = ensemble(2)
  const source = new Source(2, 21)
  run(model, source, 100)
  model.forget(0)
  const out = new Float64Array(2)
  model.score(source.next(), out)
  assert.ok(Number.isNaN(out[0]!) && !Number.isNaN(out[1]!))
  assert.throws(
    () => model.score({ entities: Int32Array.of(0), values: new Float64Array(3) }, out),
    /3 values are not 1 rows/,
  )
  assert.throws(() => model.score({ entities: Int32Array.of(2), values: new Float64Array(4) }, out), /slot 2/)
})
