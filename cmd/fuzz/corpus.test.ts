import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { runCampaign } from './campaign.ts'
import { readCorpus, saveFind } from './corpus.ts'
import { minimise } from './minimise.ts'
import { Mutator } from './mutate.ts'
import { Random } from './random.ts'
import { bytesOf, openTarget, type TargetName, targetNames } from './target.ts'

/** How many fresh cases each target gets here; `npm run fuzz` does the millions. */
const fresh: Readonly<Record<TargetName, number>> = {
  wire: 1_000,
  json: 1_000,
  config: 20,
  grpc: 40,
  http: 40,
  compression: 150,
}
/** Generous, because test machines are busy: what hangs takes forever. */
const maxMs = 5_000

suite('hostile input', () => {
  for (const name of targetNames)
    test(`${name}: every find of the past, every seed and some fresh cases hold`, async () => {
      const target = await openTarget(name)
      try {
        const inputs = [...readCorpus(name), ...target.seeds.map((input, i) => ({ name: `seed ${i}`, input }))]
        for (const { name: file, input } of inputs) {
          const start = performance.now()
          await assert.doesNotReject(async () => target.run(input, true), file)
          assert.ok(performance.now() - start < maxMs, `${file} takes too long`)
        }
        const mutator = new Mutator(target.maxBytes)
        for (let i = 0; i < fresh[name]; i++) {
          const random = new Random(20_261_123, i, 1)
          const base = target.generate(random)
          const input = i % 3 === 0 ? base : mutator.mutate(base, random, target.tokens, target.seeds)
          await assert.doesNotReject(
            async () => target.run(input, false),
            `case ${i}: ${Buffer.from(input).toString('base64')}`,
          )
        }
      } finally {
        await target.close?.()
      }
    })
})

suite('the fuzzer itself', () => {
  test('equal seeds give equal inputs', async () => {
    const { generate, tokens, seeds } = await openTarget('wire')
    const of = (seed: number) =>
      Array.from({ length: 50 }, (_, i) => {
        const random = new Random(seed, i, 1)
        return Buffer.from(new Mutator(4_096).mutate(generate(random), random, tokens, seeds)).toString('hex')
      })
    assert.deepEqual(of(7), of(7))
    assert.notDeepEqual(of(7), of(8))
  })

  test('a find is cut down to what it needs, and saved under its target, seed and hash', async () => {
    const needs = async (input: Uint8Array) => Buffer.from(input).includes('<&>')
    const smallest = await minimise(bytesOf(`${'x'.repeat(300)}<&>${'y'.repeat(77)}`), needs)
    assert.equal(Buffer.from(smallest).toString(), '<&>')
    const folder = mkdtempSync(join(tmpdir(), 'vigil-corpus-'))
    try {
      const path = saveFind('json', 42, smallest, folder)
      assert.match(path, /json\/find-42-[0-9a-f]{16}\.bin$/)
      assert.deepEqual(readCorpus('json', folder)[0]?.input, smallest)
      assert.deepEqual(readCorpus('wire', folder), [])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('a campaign in a thread of its own counts its cases and finds nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigil-corpus-'))
    try {
      const plan = { target: 'json', cases: 500, seconds: 30, seed: 5, folder } as const
      const outcome = await runCampaign(plan, () => {})
      assert.deepEqual([outcome.cases, outcome.finds], [500, []])
      assert.deepEqual(readdirSync(folder), [])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
