/** Ids of components (`type[/name]`) and pipelines (`signal[/name]`), with upstream's messages for what is not one. */
import type { Signal } from '../data/telemetry.ts'
import type { ComponentId, PipelineId } from './config.ts'

const typePattern = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/
const namePattern = /^[^\p{Z}\p{C}\p{S}]+$/u
const maxNameLength = 1024
export const signals: readonly Signal[] = ['traces', 'metrics', 'logs', 'profiles']

export type Parsed<T> = { readonly id: T } | { readonly error: string }

/** Both parts are trimmed; a name may itself contain `/`. */
export function parseComponentId(text: string): Parsed<ComponentId> {
  if (text === '') return { error: 'id must not be empty' }
  const parts = split(text)
  if ('error' in parts) return parts
  const { head: type, name } = parts.id
  if (!typePattern.test(type)) return { error: `in "${type}" id: invalid character(s) in type "${type}"` }
  const wrong = nameError(name)
  return wrong === undefined ? { id: { type, name, text: name === '' ? type : `${type}/${name}` } } : { error: wrong }
}

export function parsePipelineId(text: string): Parsed<PipelineId> {
  const parts = split(text)
  if ('error' in parts) return parts
  const { head, name } = parts.id
  const signal = signals.find((s) => s === head)
  if (signal === undefined) return { error: `in "${text}" id: unknown pipeline signal: "${head}"` }
  const wrong = nameError(name)
  return wrong === undefined
    ? { id: { signal, name, text: name === '' ? signal : `${signal}/${name}` } }
    : { error: wrong }
}

function split(text: string): Parsed<{ readonly head: string; readonly name: string }> {
  const slash = text.indexOf('/')
  const head = (slash < 0 ? text : text.slice(0, slash)).trim()
  const name = slash < 0 ? '' : text.slice(slash + 1).trim()
  if (head === '') return { error: `in "${text}" id: the part before / should not be empty` }
  if (slash >= 0 && name === '') return { error: `in "${text}" id: the part after / should not be empty` }
  return { id: { head, name } }
}

function nameError(name: string): string | undefined {
  if (name === '') return undefined
  if (name.length > maxNameLength) {
    return `in "${name}" id: invalid name length: ${name.length} is longer than ${maxNameLength} characters`
  }
  return namePattern.test(name) ? undefined : `in "${name}" id: invalid character(s) in name "${name}"`
}
