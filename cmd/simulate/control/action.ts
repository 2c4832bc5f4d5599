/** What an action is: something that an operator or a controller could do to a real system, done to the mechanism of the world. */
import type { z } from 'zod'
import { didYouMean } from '../../../pipeline/config/suggest.ts'
import type { Exports } from '../telemetry/exports.ts'
import { split } from '../topology/read.ts'
import type { Guard } from '../world/guard.ts'
import type { Instance } from '../world/instance.ts'
import type { Machine } from '../world/machine.ts'
import type { Edge, Service } from '../world/service.ts'
import type { World } from '../world/world.ts'

/** It cannot be done as it was asked for: nothing was changed. */
export class ActionError extends Error {
  /** As HTTP has it: 400 wrong, 404 not there, 409 not now. */
  readonly status: 400 | 404 | 409

  constructor(status: 400 | 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}

export interface Place {
  readonly world: World
  readonly exports: Exports
}

/** An action that is checked and not yet done. */
export interface Prepared {
  readonly target: string
  /** What somebody who watches should know: who else turns the same thing, what it will take. */
  readonly note?: string
  run(guard: Guard): void
  /** Puts back what was there before; absent where that cannot be. */
  readonly reverse?: () => void
  /** Whether what it set is still what there is: an undo of something else would be one more surprise. */
  readonly holds?: () => boolean
}

export interface Action {
  readonly name: string
  readonly description: string
  readonly schema: z.ZodType
  readonly isReversible: boolean
  /** Throws `ActionError`; changes nothing. */
  prepare(args: unknown, place: Place): Prepared
}

export function defineAction<S extends z.ZodType>(
  name: string,
  description: string,
  schema: S,
  prepare: (args: z.output<S>, place: Place) => Prepared,
  { isReversible = true }: { readonly isReversible?: boolean } = {},
): Action {
  return {
    name,
    description,
    schema,
    isReversible,
    prepare(args, place) {
      const parsed = schema.safeParse(args)
      if (parsed.success) return prepare(parsed.data, place)
      const known = 'shape' in schema ? Object.keys(schema.shape as object) : []
      throw new ActionError(400, `${name}: ${parsed.error.issues.map((issue) => textOf(issue, known)).join('; ')}`)
    },
  }
}

/** Throws where there is none of that name. */
export function oneOf<T>(what: string, name: string, known: Iterable<T>, nameOf: (one: T) => string): T {
  const all = [...known]
  const found = all.find((one) => nameOf(one) === name)
  if (found !== undefined) return found
  const names = all.map(nameOf)
  const near = didYouMean(name, names)
  throw new ActionError(404, `there is no ${what} "${name}"${near === '' ? `; ${listOf(names)}` : near}`)
}

/** A service that is ours to change. */
export function ownService(world: World, name: string): Service {
  const service = anyService(world, name)
  if (service.spec.kind === 'external') {
    throw new ActionError(400, `${name} belongs to a partner: ask them, or limit and break the calls to it`)
  }
  return service
}

export function anyService(world: World, name: string): Service {
  return oneOf('service', name, world.services.values(), (one) => one.name)
}

export function serviceOfKind<K extends Service['spec']['kind']>(world: World, name: string, kind: K): Service {
  const service = anyService(world, name)
  if (service.spec.kind === kind) return service
  const fitting = [...world.services.values()].filter(({ spec }) => spec.kind === kind).map((one) => one.name)
  throw new ActionError(400, `${name} is no ${kind} but a ${service.spec.kind}; ${listOf(fitting)}`)
}

export function nodeOf(world: World, name: string): Machine {
  return oneOf('node', name, world.cluster.machines, (one) => one.name)
}

export function instanceOf(world: World, name: string): Instance {
  const all = [...world.services.values()].filter(({ spec }) => spec.kind !== 'external')
  const running = all.flatMap(({ instances }) => instances)
  return oneOf('instance', name, [...running, ...world.cluster.waiting.values()], (one) => one.name)
}

/** `service` or `service/operation` at each end; `users` are the callers of the way in, `from` undefined = all callers. */
export function edgesOf(world: World, from: string | undefined, to: string): readonly Edge[] {
  const isTo = endOf(world, to)
  const isFrom = from === undefined || from === 'users' ? undefined : endOf(world, from)
  const edges = world.edges.filter((edge) => {
    if (!isTo(edge.to)) return false
    if (from === undefined) return true
    if (edge.from === undefined) return from === 'users'
    return isFrom?.(edge.from) ?? false
  })
  if (edges.length > 0) return edges
  const callers = new Set(world.edges.filter((edge) => isTo(edge.to)).map((edge) => edge.from?.service.name ?? 'users'))
  throw new ActionError(404, `nobody calls ${to}${from === undefined ? '' : ` from ${from}`}; ${listOf([...callers])}`)
}

function endOf(world: World, text: string): (operation: Edge['to']) => boolean {
  if (!text.includes('/')) {
    const service = anyService(world, text)
    return (operation) => operation.service === service
  }
  const [name, operationName] = split(text)
  const { operations } = anyService(world, name)
  const wanted = oneOf(`operation of ${name}`, operationName, operations.values(), (one) => one.name)
  return (operation) => operation === wanted
}

export function listOf(names: readonly string[]): string {
  if (names.length === 0) return 'there is none'
  const shown = names.slice(0, 12).join(', ')
  return `there ${names.length === 1 ? 'is' : 'are'} ${shown}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`
}

interface Issue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
}

function textOf(issue: Issue, known: readonly string[]): string {
  const [key] = issue.keys ?? []
  if (key !== undefined) {
    const near = didYouMean(key, known)
    return `there is no argument "${key}"${near === '' ? `; ${listOf(known)}` : near}`
  }
  const where = issue.path.join('.')
  return where === '' ? `give an object of arguments; ${listOf(known)}` : `${where}: ${issue.message}`
}
