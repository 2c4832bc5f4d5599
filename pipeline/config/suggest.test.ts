import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, suggest } from './suggest.ts'

test('the nearest known word is suggested, and nothing that is far', () => {
  const known = ['timeout', 'send_batch_size', 'send_batch_max_size', 'metadata_keys', 'http']
  const cases = [
    ['timeot', 'timeout'],
    ['tiemout', 'timeout'],
    ['Timeout', 'timeout'],
    ['sendBatchSize', 'send_batch_size'],
    ['send-batch-size', 'send_batch_size'],
    ['htp', 'http'],
    ['zzz', undefined],
    ['x', undefined],
    ['', undefined],
  ] as const
  for (const [word, expected] of cases) assert.equal(suggest(word, known), expected, word)
  assert.equal(didYouMean('htp', known), '; did you mean "http"?')
  assert.equal(didYouMean('zzz', known), '')
})
