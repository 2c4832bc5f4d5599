import type { Factory, Held, Instance } from '../component.ts'
import { decodeComponent } from '../config/component-config.ts'
import { ConfigError } from '../config/config.ts'
import { parseYaml } from '../config/parse-yaml.ts'
import { Problems } from '../config/problems.ts'
import type { Batch } from '../data/telemetry.ts'
import { type TestContext, type TestContextOptions, testContext } from './context.ts'

export interface Built {
  readonly instance: Instance
  readonly context: TestContext
  /** Of an exporter: the decoded keys of `sending_queue` and its kin. */
  readonly sending: unknown
  /** Calls the handler for the batch's signal, once, as the engine would without any queue. */
  readonly handle: (batch: Batch) => Promise<Batch | Held | undefined>
}

/** A component from the YAML body a user would write under its id, over a context in memory. Throws `ConfigError`. */
export function build(factory: Factory, yaml: string, options: TestContextOptions = {}): Built {
  const id = options.id ?? factory.type
  const [type = id, name = ''] = id.split('/', 2)
  const parsed = parseYaml(yaml, 'test.yaml')
  if ('problems' in parsed) throw new ConfigError(parsed.problems)
  const problems = new Problems({ isChecked: true })
  const key = parsed.node.position
  const config = decodeComponent(
    { type, name, text: id },
    factory,
    `${factory.kind}s`,
    { key, value: parsed.node },
    problems,
  )
  problems.throwIfAny()
  if (config === undefined) throw new Error('the config was refused without a reason')
  const context = testContext({ kind: factory.kind, id, ...options })
  const instance = factory.create(config.value, context)
  return {
    instance,
    context,
    sending: config.sending,
    handle: async (batch) => {
      const handler = instance[batch.signal] as ((batch: Batch, attempt: object) => unknown) | undefined
      if (handler === undefined) throw new Error(`${factory.type} has no handler for ${batch.signal}`)
      const attempt = { signal: context.signal, timeoutMs: 0 }
      return (await handler.call(instance, batch, attempt)) as Batch | Held | undefined
    },
  }
}
