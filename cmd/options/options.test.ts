import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { fieldSchema } from '../../pipeline/config/field-schema.ts'
import { duration, optional } from '../../pipeline/config/fields.ts'
import { optionsPages } from './pages.ts'
import { optionsTable } from './table.ts'

test('the options in every README and the schemas of events are those of the code; npm run options writes them', async () => {
  const stale = (await optionsPages()).filter(({ before, after }) => before !== after).map(({ path }) => path)
  assert.deepEqual(stale, [])
})

test('a table has every key with its default, and names sections that stand on another page', () => {
  const schema = fieldSchema(
    z.strictObject({
      wait: duration().default(90_000).describe('How long | at most.'),
      rules: z.array(z.strictObject({ key: z.string().default('').describe('The name.') })).describe('In order.'),
      limits: z.record(z.string(), z.strictObject({ most: z.int().default(3).describe('How many.') })).optional(),
      extra: optional(z.strictObject({ on: z.boolean().default(true).describe('Whether.') }), 'off').describe('More.'),
      tls: z.strictObject({ ca_file: z.string() }).optional().describe('Encryption.'),
    }),
  )
  assert.deepEqual(
    optionsTable(schema, [{ key: 'tls', page: 'net.md', title: 'TLS' }])
      .split('\n')
      .slice(2)
      .map((row) => row.replace(/ +/g, ' ')),
    [
      '| `wait` | `1m30s` | How long \\| at most. |',
      '| `rules` | | In order. |',
      '| `rules[]::key` | empty | The name. |',
      '| `limits` | | |',
      '| `limits::<name>::most` | `3` | How many. |',
      '| `extra` | off | More. |',
      '| `extra::on` | `true` | Whether. |',
      '| `tls` | | Encryption. See [TLS](net.md). |',
    ],
  )
})
