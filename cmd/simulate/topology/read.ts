/** A topology file: checked whole, every problem at its place. */
import { readFile } from 'node:fs/promises'
import { type Problem, parseChecked } from './parse-checked.ts'
import { type Step, type Topology, topology } from './schema.ts'

export async function readTopology(file: string): Promise<Topology> {
  return parseTopology(await readFile(file, 'utf8'), file)
}

/** Throws a `ConfigError`. */
export function parseTopology(text: string, source: string): Topology {
  return parseChecked(text, source, topology, brokenReferences)
}

function* brokenReferences(made: Topology): Iterable<Problem> {
  for (const [i, { call }] of made.users.operations.entries()) {
    yield* checkCall(made, call, ['users', 'operations', i])
  }
  for (const [name, service] of Object.entries(made.services)) {
    const path = ['services', name]
    if (service.kind === 'database') {
      for (const [query, { collection }] of Object.entries(service.queries)) {
        if (service.tables[collection] === undefined)
          yield [[...path, 'queries', query], `there is no table ${collection}; known are ${names(service.tables)}`]
      }
    }
    if (service.kind !== 'service' && service.kind !== 'external') continue
    for (const [operation, { steps }] of Object.entries(service.operations)) {
      for (const step of steps) yield* checkStep(made, step, [...path, 'operations', operation])
    }
    if (service.kind !== 'service') continue
    for (const [topic, operation] of Object.entries(service.consumes)) {
      yield* checkTopic(made, topic, [...path, 'consumes'])
      if (service.operations[operation] === undefined)
        yield [
          [...path, 'consumes', topic],
          `there is no operation ${operation}; known are ${names(service.operations)}`,
        ]
    }
  }
}

function* checkStep(made: Topology, step: Step, path: readonly (string | number)[]): Iterable<Problem> {
  if ('call' in step) yield* checkCall(made, step.call, path)
  else if ('send' in step) yield* checkTopic(made, step.send, path)
  else if ('parallel' in step) for (const one of step.parallel) yield* checkStep(made, one, path)
  else if ('maybe' in step || 'repeat' in step) for (const one of step.steps) yield* checkStep(made, one, path)
  else {
    if (made.services[step.cache]?.kind !== 'cache') yield [path, `${step.cache} is no service of kind cache`]
    for (const one of step.miss) yield* checkStep(made, one, path)
  }
}

function* checkCall(made: Topology, target: string, path: readonly (string | number)[]): Iterable<Problem> {
  const [name, operation] = split(target)
  const service = made.services[name]
  if (service === undefined) yield [path, `there is no service ${name}; known are ${names(made.services)}`]
  else if (service.kind === 'queue' || service.kind === 'cache')
    yield [path, `${name} is a ${service.kind}: it is reached by a step of its own, not by call`]
  else {
    const known = service.kind === 'database' ? service.queries : service.operations
    if (known[operation] === undefined) yield [path, `${name} has no ${operation}; known are ${names(known)}`]
  }
}

function* checkTopic(made: Topology, target: string, path: readonly (string | number)[]): Iterable<Problem> {
  const [name, topic] = split(target)
  const service = made.services[name]
  if (service?.kind !== 'queue') yield [path, `${name} is no service of kind queue`]
  else if (!service.topics.includes(topic)) yield [path, `${name} has no topic ${topic}`]
}

/** `service/operation`; an operation may contain slashes. */
export function split(target: string): readonly [service: string, operation: string] {
  const at = target.indexOf('/')
  return [target.slice(0, at), target.slice(at + 1)]
}

function names(known: object): string {
  return Object.keys(known).join(', ')
}
