import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { hostPort, listen, splitHostPort } from './listener.ts'

test('an endpoint is split as Go splits it', () => {
  assert.deepEqual(splitHostPort('localhost:4317'), { host: 'localhost', port: 4_317 })
  assert.deepEqual(splitHostPort('[::1]:4317'), { host: '::1', port: 4_317 })
  assert.deepEqual(splitHostPort(':4317'), { host: '', port: 4_317 })
  assert.deepEqual(splitHostPort('0.0.0.0:'), { host: '0.0.0.0', port: 0 })
  assert.throws(() => splitHostPort('localhost'), { message: 'address localhost: missing port in address' })
  assert.throws(() => splitHostPort('::1:4317'), { message: 'address ::1:4317: too many colons in address' })
  assert.throws(() => splitHostPort('localhost:99999'), { message: 'address 99999: invalid port' })
  assert.throws(() => splitHostPort('localhost:http'), {
    message: 'address localhost:http: unknown port "http"; give a number',
  })
  assert.equal(hostPort('::1', 4_317), '[::1]:4317')
})

test('what cannot be listened on is said so', async () => {
  const server = createServer()
  const refused = (endpoint: string, transport: 'tcp' | 'udp' | 'unix', message: string) =>
    assert.rejects(listen(server, { endpoint, transport }), { message })
  await refused('no-such-host.invalid:1', 'tcp', 'listen tcp: lookup no-such-host.invalid: no such host')
  await refused('nothing', 'tcp', 'listen tcp: address nothing: missing port in address')
  await refused('localhost:1', 'udp', 'listen udp localhost:1: servers here listen on tcp, tcp4, tcp6 or unix')
  await refused('', 'unix', 'listen unix: the endpoint is empty; give the path of a socket')
  await refused('192.0.2.1:0', 'tcp', 'listen tcp 192.0.2.1:0: bind: cannot assign requested address')
})
