import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { loghub, score } from './loghub.ts'

const root = testFolder('loghub-labels')

/** Groups by letter: what was predicted for each line, and what is true. */
function scored(predicted: string, truth: string, texts: Readonly<Record<string, string>> = {}) {
  const predictions = new Map(
    predicted.split('').map((id, i) => [i + 1, { line: i + 1, template_id: id, template: texts[id] ?? `${id} <*>` }]),
  )
  const labels = truth.split('').map((eventId, i) => ({ line: i + 1, eventId, template: `${eventId} <*>` }))
  const { groupingAccuracy, groupingF1, parsingAccuracy, templateF1 } = score(predictions, labels, 'S')
  return [groupingAccuracy, groupingF1, parsingAccuracy, templateF1].map((value) => Number(value.toFixed(4)))
}

for (const [name, predicted, truth, expected] of [
  ['all right', 'AABBC', 'AABBC', [1, 1, 1, 1]],
  ['names of groups do not matter to grouping', 'XXYYZ', 'AABBC', [1, 1, 0, 0]],
  ['a split group is wrong in all its lines', 'AAXBC', 'AAABC', [0.4, 0.5714, 0.8, 0.5714]],
  ['two groups in one are both wrong', 'AAAAC', 'AABBC', [0.2, 0.4, 0.6, 0.4]],
  ['one line too much spoils two groups', 'AAABC', 'AABBC', [0.2, 0.3333, 0.8, 0.3333]],
] as const)
  test(name, () => assert.deepEqual(scored(predicted, truth), expected))

test('the text counts as the group’s last line had it', () => {
  assert.deepEqual(scored('AAB', 'AAB', { B: 'B' }), [1, 1, 0.6667, 0.5])
})

async function* lines(...all: readonly unknown[]) {
  yield* all
}
const line = (name: string, n: number) => ({ case: name, line: n, template_id: 'x', template: 'a <*>' })

mkdirSync(join(root, 'S'))
writeFileSync(
  join(root, 'S/S_2k.log_structured.csv'),
  'LineId,Content,EventId,EventTemplate\n1,a 1,E1,a 1\n2,a 2,E1,a 2\n',
)
writeFileSync(
  join(root, 'S/S_2k.log_structured_corrected.csv'),
  'LineId,Content,EventId,EventTemplate\n1,a 1,E1,a <*>\n2,a 2,E1,a <*>\n',
)

test('texts are the corrected ones where a system has them', async () => {
  const [table] = await loghub.evaluate(lines(line('S', 1), line('S', 2)), root, () => {})
  assert.deepEqual(table?.rows[0], ['S', 1, 1, 1, 1, 1, 1, null, null])
  assert.deepEqual(table?.rows.at(-1), ['mean', 1, 1, 1, 1, 1, 1, null, null])
})

for (const [all, words] of [
  [[line('S', 1)], /S: line 2 has no prediction/],
  [[line('T', 1)], /there are predictions for T, and no labels in/],
  [[], /there are no predictions for S/],
  [[{ case: 'S' }], /prediction 1: a line is/],
  [[null], /prediction 1: a line is/],
] as const)
  test(`refused: ${words.source}`, async () => {
    await assert.rejects(
      loghub.evaluate(lines(...all), root, () => {}),
      words,
    )
  })
