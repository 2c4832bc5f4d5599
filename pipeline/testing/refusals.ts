/** Configurations that a component refuses, and those that it takes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Factory } from '../component.ts'
import type { ConfigError } from '../config/config.ts'
import { build } from './build.ts'

/** `words` stand in what is said of it, and `place`, where it is given, is what it is said of: `1:33`. */
export type Refusal = readonly [yaml: string, words: string, place?: string]

interface How {
  /** A configuration of what the table has. */
  readonly whole?: (yaml: string) => string
  /** `ConfigError` where the configuration itself must be wrong: what only `create` finds is any error. */
  readonly as?: typeof ConfigError | typeof Error
}

/** A test for each. */
export function describeRefusals(
  factory: Factory,
  refusals: readonly Refusal[],
  { whole = (yaml) => yaml, as = Error }: How = {},
): void {
  for (const [yaml, words, place] of refusals)
    test(`refused: ${yaml}`, () =>
      assert.throws(
        () => build(factory, whole(yaml)),
        (error) => {
          assert.ok(error instanceof as, String(error))
          assert.ok(error.message.includes(words), error.message)
          if (place !== undefined) assert.ok(error.message.includes(`test.yaml:${place} `), error.message)
          return true
        },
      ))
}

/** A test for each. */
export function describeAccepted(factory: Factory, yamls: readonly string[]): void {
  for (const yaml of yamls) test(`accepted: ${yaml}`, () => void build(factory, yaml))
}
