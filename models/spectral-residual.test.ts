import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertClose, recorded } from './fixtures/recorded.ts'
import { fft, saliency, spectralResidual } from './spectral-residual.ts'

const { values, scores, saliency: salient } = recorded.spectral_residual

test("saliency and scores are those of the paper's formulas in NumPy", () => {
  const own = saliency(Float64Array.from([...values, 0, 0, 0, 0, 0]))
  for (const [i, expected] of salient.entries()) assertClose(own[i] as number, expected, 1e-8)
  const scored = spectralResidual(Float64Array.from(values))
  for (const [i, expected] of scores.entries()) {
    if (expected > 0 || (scored[i] as number) > 0) assertClose(scored[i] as number, expected, 1e-7)
  }
})

test('a spike has the highest score, and more than the threshold of the paper', () => {
  const scored = spectralResidual(Float64Array.from(values))
  assert.equal(scored.indexOf(Math.max(...scored)), 90)
  assert.ok((scored[90] as number) > 0.3)
})

test('a transform and its inverse are the series; other lengths are refused; short series get 0', () => {
  const re = Float64Array.from({ length: 64 }, (_, i) => Math.sin(i) + i / 10)
  const im = new Float64Array(64)
  const before = re.slice()
  fft(re, im)
  fft(re, im, true)
  for (let i = 0; i < 64; i++) assert.ok(Math.abs((re[i] as number) / 64 - (before[i] as number)) < 1e-12)
  assert.throws(() => fft(new Float64Array(6), new Float64Array(6)), /power of two/)
  assert.deepEqual(spectralResidual(Float64Array.of(1, 2, 3)), new Float64Array(3))
})
