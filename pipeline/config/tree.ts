/** The configuration before it has types: YAML's maps, lists and scalars, each with its place in the user's sources. Immutable, so aliases and merges share. */
import type { Double, Value } from '../data/telemetry.ts'
import type { ConfigProblem, Position } from './config.ts'

export type Scalar = string | number | boolean | null
export interface ScalarNode {
  readonly kind: 'scalar'
  readonly value: Scalar
  readonly position: Position
  /** The text a provider gave for `${...}`: what a string field takes, whatever YAML makes of it. */
  readonly original?: string
  /** What a number that the user wrote is as the value of an attribute, where `value` alone would lose it: `1.0` is a double, and 2^60 an integer. */
  readonly exact?: Double | bigint
}
export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly Node[]
  readonly position: Position
  readonly original?: string
}
export interface Entry {
  /** Where the key stands. */
  readonly key: Position
  readonly value: Node
}
export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
  readonly position: Position
  readonly original?: string
}
export type Node = ScalarNode | ListNode | MapNode

/** What `loadConfig` gives and `decodeConfig` takes. */
export interface ConfigTree {
  readonly root: MapNode
  /** Local files that it was read from, for `--watch`. */
  readonly files: readonly string[]
  readonly warnings: readonly ConfigProblem[]
}

export function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null
}

/** As Go names the kind of a value in `expected a map or struct, got "slice"`. */
export function kindName(node: Node): string {
  if (node.kind === 'map') return 'map'
  return node.kind === 'list' ? 'slice' : scalarName(node.value)
}

/** As Go names the type of a value in `got unconvertible type 'int'`. */
export function typeName(node: Node): string {
  if (node.kind === 'map') return 'map[string]interface {}'
  return node.kind === 'list' ? '[]interface {}' : scalarName(node.value)
}

function scalarName(value: Scalar): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  return 'nil'
}

/** Plain data of a tree, positions dropped. */
export function toPlain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toPlain)
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, toPlain(value)]))
}

/** A tree as the value of an attribute: its numbers keep their kind. */
export function toValue(node: Node): Value {
  if (node.kind === 'scalar') return node.exact ?? node.value
  if (node.kind === 'list') return node.items.map(toValue)
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, toValue(value)]))
}
