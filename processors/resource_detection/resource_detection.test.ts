import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Factory } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Traces, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import { config } from './config.ts'
import { Detection } from './detection.ts'
import type { Detected } from './detector.ts'
import factory from './index.ts'

// As the recording was made with.
process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'service.name=detected,team=a%20b,region='
describeContract(factory, 'detectors: [env]')
await describeUpstream(factory, import.meta.dirname)

const found = (attributes: Record<string, Value>, schemaUrl = ''): Detected => ({
  attributes: new Map(Object.entries(attributes)),
  schemaUrl,
})
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Detectors that answer one after another what is given; the last answer stays. */
function detection(settings: object, answers: Record<string, (Detected | Error | 'never')[]>) {
  const context = testContext()
  const calls: string[] = []
  const detectors = Object.entries(answers).map(([type, list]) => ({
    type,
    detector: {
      detect: async () => {
        calls.push(type)
        const answer = list.length > 1 ? list.shift() : list[0]
        if (answer === 'never') return new Promise<Detected>(() => {})
        if (answer instanceof Error || answer === undefined) throw answer ?? new Error('no answer left')
        return answer
      },
    },
  }))
  return { context, calls, one: new Detection(detectors, config.parse(settings), context) }
}
const never = new AbortController().signal

suite('detection', () => {
  test('the first detector that knows an attribute is right, and the first schema', async () => {
    const { one, context } = detection(
      {},
      {
        a: [found({ x: '1' })],
        b: [found({ x: '2', y: '2' }, 'schema-b')],
        c: [found({ y: '3', z: '3' }, 'schema-c')],
      },
    )
    await one.refresh(never)
    assert.deepEqual(
      [...one.current.attributes],
      [
        ['x', '1'],
        ['y', '2'],
        ['z', '3'],
      ],
    )
    assert.equal(one.current.schemaUrl, 'schema-b')
    assert.equal(
      context.recorded.sums.get('otelcol_resourcedetection_detector_results{detector="a",outcome="success"}'),
      1,
    )
  })

  test('a detector that fails is asked again, ever more patiently', async () => {
    const { one, context, calls } = detection(
      { timeout: '30s' },
      { a: [new Error('1'), new Error('2'), found({ x: '1' })] },
    )
    const refreshed = one.refresh(never)
    const waits = [1_000, 2_000]
    for (const [i, ms] of waits.entries()) {
      await settle()
      assert.equal(calls.length, i + 1)
      await context.clock.advance(ms - 1)
      assert.equal(calls.length, i + 1)
      await context.clock.advance(1)
      await settle()
    }
    await refreshed
    assert.deepEqual([...one.current.attributes], [['x', '1']])
  })

  test('a detector that never answers fails the start after the timeout, with what the others said kept', async () => {
    const { one, context } = detection({}, { a: ['never'], b: [found({ x: '1' })] })
    const failed = assert.rejects(one.refresh(never), /no answer within 5000 ms/)
    await settle()
    await context.clock.advance(5_000)
    await failed
    const { sums, lines } = context.recorded
    assert.equal(
      sums.get('otelcol_resourcedetection_detector_results{detector="a",error.type="Error",outcome="failure"}'),
      1,
    )
    assert.ok(lines.some(({ level, message }) => level === 'error' && message === 'a detector was given up'))
  })

  test('without retries there is one attempt', async () => {
    const { one, calls } = detection({ retry: { enabled: false } }, { a: [new Error('broken')] })
    await assert.rejects(one.refresh(never), /broken/)
    assert.deepEqual(calls, ['a'])
  })

  test('max_elapsed_time bounds all attempts, and timeout each of them', async () => {
    const settings = { timeout: '1s', retry: { max_elapsed_time: '10s', max_interval: '2s' } }
    const { one, context, calls } = detection(settings, { a: ['never', found({ x: '1' })] })
    const refreshed = one.refresh(never)
    await settle()
    await context.clock.advance(1_000)
    await settle()
    await context.clock.advance(1_000)
    await refreshed
    assert.deepEqual(calls, ['a', 'a'])
  })

  test('a later failure keeps what was found, and a later success replaces it', async () => {
    const settings = { retry: { enabled: false } }
    const { one, context } = detection(settings, { a: [found({ x: '1' }), new Error('down'), found({ x: '2' })] })
    await one.refresh(never)
    await one.refresh(never)
    assert.deepEqual([...one.current.attributes], [['x', '1']])
    assert.ok(context.recorded.lines.some(({ message }) => message.includes('what was detected before stays')))
    await one.refresh(never)
    assert.deepEqual([...one.current.attributes], [['x', '2']])
  })
})

const resourceOf = (batch: Traces) => {
  for (const { resource } of batch) return Object.fromEntries(resource.attributes.entries())
  throw new Error('nothing came out')
}
const traces = (attributes: Record<string, Value>) => newTraces().resource(attributes).span({ name: 'x' }).build()

test('everything is detected again after refresh_interval', async (t) => {
  const { instance, context, handle } = build(factory as Factory, 'detectors: [env]\nrefresh_interval: 1m')
  const before = process.env['OTEL_RESOURCE_ATTRIBUTES']
  t.after(() => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = before
  })
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'team=first'
  await instance.start?.()
  assert.deepEqual(resourceOf((await handle(traces({}))) as Traces), { team: 'first' })
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'team=second'
  await context.clock.advance(60_000)
  assert.deepEqual(resourceOf((await handle(traces({}))) as Traces), { team: 'second' })
  assert.equal(context.recorded.gauges.get('otelcol_resourcedetection_attributes_detected')?.(), 1)
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('the schema of the detector is said where the data has none', async () => {
  const { instance, handle } = build(factory as Factory, 'detectors: [system]\nsystem: {hostname_sources: [os]}')
  await instance.start?.()
  for (const { resource } of (await handle(traces({}))) as Traces)
    assert.equal(resource.schemaUrl, 'https://opentelemetry.io/schemas/1.43.0')
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('what was detected outlives a reload, unless the detectors change', async (t) => {
  const before = process.env['OTEL_RESOURCE_ATTRIBUTES']
  t.after(() => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = before
  })
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'team=first'
  const first = build(factory as Factory, 'detectors: [env]').instance
  await first.start?.()
  const state = (await first.save?.()) ?? new Uint8Array()
  await first.shutdown?.(AbortSignal.timeout(1_000))
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'team=second'
  const after = async (yaml: string) => {
    const { instance, handle } = build(factory as Factory, yaml)
    await instance.restore?.(state)
    await instance.start?.()
    const out = resourceOf((await handle(traces({ team: 'own' }))) as Traces)
    await instance.shutdown?.(AbortSignal.timeout(1_000))
    return out
  }
  assert.deepEqual(await after('detectors: [env]'), { team: 'first' })
  assert.deepEqual(await after('detectors: [env]\noverride: false'), { team: 'own' })
  assert.deepEqual(await after('detectors: [env, heroku]'), { team: 'second' })
})

suite('the configuration', () => {
  const cases: readonly (readonly [yaml: string, message: RegExp])[] = [
    ['detectors: [mars]', /there is no detector "mars"; there are akamai, aks/],
    ['timeout: 0', /retry.enabled requires either timeout > 0 or retry.max_elapsed_time > 0 to bound detection/],
    ['system: {hostname_sources: [invalid]}', /hostname_sources contains invalid value: "invalid"/],
    ['ibmcloud_vpc: {protocol: ftp}', /invalid protocol "ftp": must be "http" or "https"/],
    ['ec2: {tags: ["*"]}', /the regex "\*" is not valid/],
    ['gcp: {labels: ["("]}', /the regex "\(" is not valid/],
    ['k8s_api: {auth_type: fake}', /invalid authType for kubernetes: fake/],
    ['env: {attributes: {included: []}}', /attributes.included must contain at least one entry when set/],
    ['retry: {randomization_factor: 2}', /'randomization_factor' must be within \[0, 1\]/],
    ['gcp: {resource_attributes: {host.color: {enabled: true}}}', /has invalid keys: host.color/],
  ]
  for (const [yaml, message] of cases) {
    test(`refuses ${yaml}`, () => {
      assert.throws(
        () => build(factory as Factory, yaml),
        (error) => error instanceof ConfigError && error.problems.some((problem) => message.test(problem.message)),
      )
    })
  }

  test('takes a list written with commas, names with blanks, and every block', () => {
    build(
      factory as Factory,
      'detectors: "env, system"\ntimeout: 10s\nelasticbeanstalk: {}\nk8snode: {node_from_env_var: X}',
    )
  })

  test('warns of the switches of single detectors', async () => {
    const { instance, context } = build(factory as Factory, 'ec2: {fail_on_missing_metadata: true}')
    await instance.start?.()
    await instance.shutdown?.(AbortSignal.timeout(1_000))
    const line = context.recorded.lines.find(({ level }) => level === 'warn')
    assert.deepEqual(line?.fields['affected_detectors'], ['ec2'])
  })
})
