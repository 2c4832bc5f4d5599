import { test } from 'node:test'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'allow_all_keys: true\nblocked_values: ["4[0-9]{12}"]')
await describeUpstream(factory, import.meta.dirname)

describeRefusals(factory, [
  ['url_sanitizer: {enabled: true}', 'url_sanitizer is not supported; turn it off'],
  ['db_sanitizer: {sql: {enabled: true}}', 'db_sanitizer::sql is not supported; turn it off'],
  ['hash_function: sha256', 'unknown HashFunction sha256, allowed functions are sha1, sha3, md5'],
  ['hash_function: hmac-sha256', 'hmac_key must not be empty when hash_function is "hmac-sha256"'],
  [
    '{hash_function: hmac-sha512, hmac_key: short}',
    'hmac_key must be at least 64 bytes long for "hmac-sha512", got 5 bytes',
  ],
  ['{hash_function: md5, masking_string: x}', 'masking_string must not be set when hash_function is defined'],
  ['blocked_values: ["("]', 'failed to process block list'],
  ['allowed_values: ["("]', 'failed to process allow list'],
  ['blocked_key_patterns: ["("]', 'failed to process block keys list'],
  ['ignored_key_patterns: ["("]', 'failed to process ignore keys list'],
])

test('a sanitizer that is off may stand in the configuration', () => {
  build(
    factory,
    'url_sanitizer: {enabled: false, attributes: [url.full]}\ndb_sanitizer: {sql: {attributes: [db.statement]}}',
  )
})
