import assert from 'node:assert/strict'
import { test } from 'node:test'
import { config } from './config.ts'
import { podQuery } from './watch-cluster.ts'

const queryOf = (filter: object) => podQuery(config.parse({ filter }))

test('filters are selectors of the API', () => {
  const key = 'app'
  const cases: readonly (readonly [filter: object, query: object])[] = [
    [{}, {}],
    [{ namespace: 'default' }, {}],
    [{ node: 'ec2-test' }, { fieldSelector: 'spec.nodeName=ec2-test' }],
    [{ labels: [{ key, value: 'v' }] }, { labelSelector: 'app=v' }],
    [{ labels: [{ key, value: 'v', op: 'equals' }] }, { labelSelector: 'app=v' }],
    [{ labels: [{ key, value: 'v', op: 'not-equals' }] }, { labelSelector: 'app!=v' }],
    [{ labels: [{ key, op: 'exists' }] }, { labelSelector: 'app' }],
    [{ labels: [{ key, op: 'does-not-exist' }] }, { labelSelector: '!app' }],
    [
      {
        node: 'n',
        labels: [
          { key: 'k1', value: 'v1' },
          { key: 'k2', value: 'v2', op: 'not-equals' },
        ],
        fields: [
          { key: 'k1', value: 'v1' },
          { key: 'k2', value: 'v,2', op: 'not-equals' },
        ],
      },
      { labelSelector: 'k1=v1,k2!=v2', fieldSelector: 'k1=v1,k2!=v\\,2,spec.nodeName=n' },
    ],
  ]
  for (const [filter, query] of cases) assert.deepEqual(queryOf(filter), query)
})
