import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { sendingKeys } from './sending.ts'

const keys = sendingKeys({ queue: true, retry: true, timeoutMs: 5_000 })

test('the defaults are upstream’s, in milliseconds', () => {
  assert.deepEqual(keys.parse({}), {
    sending_queue: {
      num_consumers: 10,
      queue_size: 1_000,
      sizer: 'requests',
      max_bytes: 268_435_456,
      block_on_overflow: false,
      wait_for_result: false,
      storage: undefined,
      batch: undefined,
    },
    retry_on_failure: {
      enabled: true,
      initial_interval: 5_000,
      randomization_factor: 0.5,
      multiplier: 1.5,
      max_interval: 30_000,
      max_elapsed_time: 300_000,
    },
    timeout: 5_000,
  })
})

test('an exporter has only the keys that it asks for', () => {
  assert.deepEqual(sendingKeys({ queue: false, retry: false, timeoutMs: 0 }).parse({}), {})
})

test('a queue can be turned off', () => {
  assert.equal(keys.parse(parse('sending_queue: {enabled: false, num_consumers: -1}'))['sending_queue'], undefined)
})

const batches: readonly (readonly [string, object])[] = [
  ['batch: {}', { sizer: 'items', min_size: 8192, max_size: 0, flush_timeout: 200 }],
  ['batch:', { sizer: 'items', min_size: 8192, max_size: 0, flush_timeout: 200 }],
  ['{sizer: bytes, queue_size: 100000, batch: {min_size: 10}}', { sizer: 'bytes', min_size: 10 }],
  ['{sizer: bytes, queue_size: 100000, batch: {sizer: items}}', { sizer: 'items' }],
  ['batch: {flush_timeout: 1s, max_size: 9000}', { flush_timeout: 1_000, max_size: 9_000 }],
]
for (const [yaml, expected] of batches) {
  test(`batch: ${yaml}`, () => {
    const queue = keys.parse({ sending_queue: parse(yaml) })['sending_queue'] as { batch: object }
    assert.partialDeepStrictEqual(queue.batch, expected)
  })
}

test('a queue on disk has no limit in bytes unless one is set', () => {
  const maxBytes = (yaml: string) =>
    (keys.parse({ sending_queue: parse(yaml) })['sending_queue'] as { max_bytes: number }).max_bytes
  assert.deepEqual(
    ['{}', '{storage: file_storage}', '{storage: file_storage, max_bytes: 1GiB}'].map(maxBytes),
    [268_435_456, 0, 1_073_741_824],
  )
})

const problems: readonly (readonly [string, string, string])[] = [
  ['{queue_size: 0}', 'sending_queue', '`queue_size` must be positive'],
  ['{num_consumers: 0}', 'sending_queue', '`num_consumers` must be positive'],
  [
    '{batch: {min_size: 100, max_size: 10}}',
    'sending_queue.batch',
    '`max_size` (10) must be greater or equal to `min_size` (100)',
  ],
  ['{batch: {min_size: -1}}', 'sending_queue.batch', '`min_size` must be non-negative, found -1'],
  ['{batch: {flush_timeout: 0s}}', 'sending_queue.batch', '`flush_timeout` must be positive, found 0'],
  [
    '{batch: {sizer: requests}}',
    'sending_queue.batch',
    '`batch` supports only `items` or `bytes` sizer, found "requests"',
  ],
  [
    '{sizer: items, queue_size: 10, batch: {min_size: 100}}',
    'sending_queue',
    '`min_size` must be less than or equal to `queue_size`',
  ],
  [
    '{batch: {partition: {metadata_keys: [a, A]}}}',
    'sending_queue.batch.partition',
    'duplicate entry in metadata_keys: "a" (case-insensitive)',
  ],
  [
    '{storage: file_storage, wait_for_result: true}',
    'sending_queue',
    '`wait_for_result` is not supported with a persistent queue configured with `storage`',
  ],
]
for (const [yaml, path, message] of problems) {
  test(`refused: sending_queue: ${yaml}`, () => {
    const issues = keys.safeParse({ sending_queue: parse(yaml) }).error?.issues
    assert.deepEqual(
      issues?.map((issue) => [issue.path.join('.'), issue.message]),
      [[path, message]],
    )
  })
}

const retries: readonly (readonly [string, string])[] = [
  ['{initial_interval: -1s}', 'initial_interval value must be greater than or equal to 0'],
  ['{randomization_factor: 2}', 'randomization_factor value must be less than or equal to 1'],
  ['{multiplier: -1}', 'multiplier value must be greater than or equal to 0'],
  ['{max_elapsed_time: 1s}', "'max_elapsed_time' must not be less than 'initial_interval'"],
  ['{initial_interval: 1s, max_elapsed_time: 3s}', "'max_elapsed_time' must not be less than 'max_interval'"],
  ['{enabled: false, multiplier: -1}', 'multiplier value must be greater than or equal to 0'],
]
for (const [yaml, message] of retries) {
  test(`refused: retry_on_failure: ${yaml}`, () => {
    const issues = keys.safeParse({ retry_on_failure: parse(yaml) }).error?.issues
    assert.deepEqual(
      issues?.map((issue) => issue.message),
      [message],
    )
  })
}
