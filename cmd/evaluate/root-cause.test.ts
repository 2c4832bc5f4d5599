import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { accuracyAt, averageAtFive, priorRanks, rootCauseEvaluations } from './root-cause.ts'

const folder = testFolder('root-cause')

test('AC@k is the share of roots among the first k, Avg@5 the mean over k; one that is not among them is never', () => {
  const ranks = [1, 1, 2, 4, 6, Number.POSITIVE_INFINITY]
  assert.equal(accuracyAt(ranks, 1), 2 / 6)
  assert.equal(accuracyAt(ranks, 3), 3 / 6)
  assert.equal(averageAtFive(ranks), (2 + 3 + 3 + 4 + 4) / 30)
})

test('the node prior knows the other cases only, and of equally frequent roots the worst order', () => {
  assert.deepEqual(priorRanks(['a', 'a', 'a', 'b', 'b', 'c']), [2, 2, 2, 3, 3, Number.POSITIVE_INFINITY])
  assert.deepEqual(priorRanks(['a', 'a', 'a', 'a', 'b']), [1, 1, 1, 1, Number.POSITIVE_INFINITY])
})

async function evaluate(kind: string, lines: readonly object[], dir: string) {
  async function* each() {
    yield* lines
  }
  return rootCauseEvaluations.find((one) => one.kind === kind)!.evaluate(each(), dir, () => {})
}
const line = (name: string, verdict: string, ...entities: string[]) => ({
  case: name,
  verdict,
  causes: entities.map((entity, i) => ({ entity, hypothesis: 'cpu', metric: null, score: 1 - i / 10 })),
})

test('Sock Shop: the folder names the root; the same entity of another kind is no second guess', async () => {
  const [accuracy, verdicts] = await evaluate(
    'sockshop',
    [
      line('carts-cpu/1', 'likely', 'carts', 'orders'),
      line('orders-mem/1', 'likely', 'carts', 'carts', 'orders'),
      line('user-cpu/1', 'inconclusive', 'carts'),
    ],
    folder,
  )
  assert.deepEqual(accuracy?.rows[0]?.slice(0, 4), ['sockshop', 'vigil', 3, 1 / 3])
  assert.deepEqual(accuracy?.rows[0]?.slice(5), [2 / 3, (5 + 4) / 15])
  assert.match(accuracy?.notes.join('\n') ?? '', /user-cpu\/1 \(user: not ranked\), orders-mem\/1 \(orders: 2\)\./)
  assert.deepEqual(verdicts?.rows, [
    ['confirmed', 0, null, 0, null],
    ['likely', 2, 0.5, 2 / 3, 0.5],
    ['inconclusive', 1, 0, 1, 1 - 1 / 3],
  ])
})

test('PetShop: the label stands beside the case, and each scenario is a row', async () => {
  for (const [name, node] of [
    ['low/test/issue_1', 'a'],
    ['high/test/issue_2', 'b'],
  ] as const) {
    mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, name, 'target.json'), JSON.stringify({ root_cause: { node, metric: null } }))
  }
  const lines = [line('low/test/issue_1', 'likely', 'a'), line('high/test/issue_2', 'likely', 'a', 'b')]
  const [accuracy] = await evaluate('petshop', lines, folder)
  const own = accuracy?.rows
    .filter(([, name]) => name === 'vigil')
    .map(([system, , cases, first]) => [system, cases, first])
  assert.deepEqual(own, [
    ['high', 1, 0],
    ['low', 1, 1],
    ['all', 2, 0.5],
  ])
})

for (const [what, lines, message] of [
  ['no predictions', [], /there are no predictions/],
  ['a case twice', [line('a-cpu/1', 'likely'), line('a-cpu/1', 'likely')], /prediction 2: a-cpu\/1 has one already/],
  ['another verdict', [line('a-cpu/1', 'sure')], /prediction 1: "verdict" is "sure", not one of confirmed/],
  ['no causes', [{ case: 'a-cpu/1', verdict: 'likely' }], /prediction 1: "causes" is missing/],
  ['a strange folder', [line('somewhere', 'likely')], /somewhere is no case of Sock Shop/],
] as const)
  test(`what cannot be scored is named: ${what}`, async () => {
    await assert.rejects(evaluate('sockshop', lines, folder), message)
  })
