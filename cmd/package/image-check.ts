/** Part of `npm run test:deploy`: does on a clean machine what examples/deploy/Dockerfile says, and starts what it says as a container would. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { Machine, noMachines, run } from './clean-machine.ts'
import { buildImage, type Image } from './dockerfile.ts'

const repository = join(import.meta.dirname, '../..')
const skip = noMachines()

suite('the image of examples/deploy', { skip }, () => {
  const folder = skip === false ? mkdtempSync('/var/tmp/vigil-image-') : ''
  let image: Image
  after(() => void (folder !== '' && run('rm', '-rf', folder)))

  test('is built', { timeout: 600_000 }, () => {
    image = buildImage(join(repository, 'examples/deploy/Dockerfile'), repository, folder)
    assert.deepEqual([image.user, image.ports], ['10001:10001', [4317, 4318, 8888, 13133]])
  })

  for (const [how, flags] of [
    ['starts', []],
    ['starts with a read-only root', ['--read-only']],
  ] as const)
    test(`${how}, takes telemetry over every port, and ends by SIGTERM`, async () => {
      const machine = Machine.start(image.root, ...flags, ...asContainer(image))
      try {
        await machine.until('ready', () => machine.output.includes('Everything is ready.'))
        const status = readFileSync(`/proc/${machine.leader}/status`, 'utf8')
        assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m)
        assert.match(status, /^CapEff:\t0+$/m)
        assert.match(machine.output, /Started the gRPC server\..*"endpoint": "0\.0\.0\.0:4317"/)
        assert.equal(machine.get(':13133/').status, 200)
        assert.match(machine.get(':8888/metrics').body, /^otelcol_process_uptime/m)
        assert.equal(machine.generate('traces', '--total', '7', '--endpoint', '127.0.0.1:4317').accepted, 7)
        const http = ['--protocol', 'http/protobuf', '--endpoint', 'http://127.0.0.1:4318']
        assert.equal(machine.generate('logs', '--total', '5', ...http).accepted, 5)
        await machine.until('told of the spans', () => /Traces.*"spans": 7\b/.test(machine.output))
        await machine.until('told of the records', () => /Logs.*"log records": 5\b/.test(machine.output))
        assert.equal(await machine.stop(image.stopSignal as NodeJS.Signals), 0)
        assert.match(machine.output, /Shutdown complete\./)
        assert.doesNotMatch(machine.output, /pino-logger\.js/, 'a log line names who logged')
      } finally {
        await machine.stop('SIGKILL')
      }
    })
})

/** Its first process is the entry point, without a capability and without a way to one. */
function asContainer({ workdir, env, user, command }: Image): readonly string[] {
  const [uid, gid] = user.split(':')
  const variables = Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`)
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs']
  return [`--chdir=${workdir}`, ...variables, '/usr/bin/setpriv', ...ids, '--', ...command]
}
