import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Logs } from '../pipeline/data/telemetry.ts'
import { build } from '../pipeline/testing/build.ts'
import { readChange } from '../pipeline/vocabulary/change.ts'
import factory from '../receivers/changes/index.ts'
import type { ChangesReceiver } from '../receivers/changes/receiver.ts'
import { runCommands } from './in-process.fixture.ts'
import { register } from './note.ts'

const { instance, context } = build(factory, 'endpoint: 127.0.0.1:0\nnote: {token: hush}')
const receiver = instance as ChangesReceiver
await receiver.start()
after(() => receiver.shutdown(AbortSignal.abort()))
const vigil = (argv: readonly string[], token = 'hush') =>
  runCommands([register], ['note', ...argv], { env: { VIGIL_NOTE_TOKEN: token } })

test('a note comes in as a change of the service, by who wrote it', async () => {
  const time = '2023-11-14T22:00:00Z'
  const argv = ['added index', '--service', 'payment', '--by', 'ada', '--kind', 'ddl', '--time', time]
  assert.deepEqual(await vigil([...argv, '--endpoint', `http://${receiver.address}`]), {
    code: 0,
    stdout: 'Noted: added index\n',
    stderr: '',
  })
  const [change] = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Logs)].map(readChange))
  assert.deepEqual(
    [change?.text, change?.entity.name, change?.by, change?.kind, change?.time],
    ['added index', 'payment', 'ada', 'ddl', '1699999200000000000'],
  )
})

test('what is wrong is said with the next thing to try', async () => {
  const refused = await vigil(['x', '--endpoint', receiver.address ?? ''], 'guess')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /answered 401: the bearer token is not ours\nPut the token .* VIGIL_NOTE_TOKEN/)
  const nobody = await vigil(['x', '--endpoint', 'http://127.0.0.1:1'])
  assert.match(nobody.stderr, /could not reach http:\/\/127\.0\.0\.1:1\/note: .*\n.*Say where with --endpoint/)
  const wrong = await vigil(['x', '--time', 'noon', '--endpoint', `http://${receiver.address}`])
  assert.match(wrong.stderr, /answered 400: the note, time: write RFC 3339/)
  const kind = await vigil(['x', '--kind', 'odd'])
  assert.equal(kind.code, 1)
})
