/** The upstream vectors: end-to-end statements in the log context, and which texts are statements or conditions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { newLogs } from '../data/builders.ts'
import type { Editable, In, LogRecord, Value } from '../data/telemetry.ts'
import { isDouble } from '../data/value.ts'
import { sharedPath, skipWithout } from '../testing/shared-files.ts'
import { compileStatements } from './compile.ts'
import { Frame } from './frame.ts'
import { parseCondition, parseStatement } from './parser.ts'
import { testHost } from './testing.ts'

const folder = sharedPath('corpus/golden/ottl')
const skip = skipWithout(folder)

interface Golden {
  readonly contexts: Readonly<Record<string, { resource: Parts; scope: { name: string }; log: LogParts }>>
  readonly cases: readonly {
    readonly context: string
    readonly statement: string
    readonly expect_log_attributes: Readonly<Record<string, Value>>
    readonly error?: string
  }[]
}
interface Parts {
  readonly attributes: Readonly<Record<string, Value>>
}
interface LogParts extends Parts {
  readonly body: string
  readonly time_unix_nano: string
  readonly observed_time_unix_nano: string
  readonly dropped_attributes_count: number
  readonly severity_number: number
  readonly trace_id: string
  readonly span_id: string
}

/** Statements whose recorded result we do not share, and why. */
const differs: Readonly<Record<string, string>> = {
  'set(attributes["array"][ConvertCase(attributes["A|B|C"], "upper")], "bar")':
    'the recorded error ends before the type that it found; ours names it',
}

test('every end-to-end vector gives the attributes that upstream gives', { skip }, () => {
  const golden = JSON.parse(readFileSync(join(folder, 'e2e.json'), 'utf8')) as Golden
  for (const { context, statement, expect_log_attributes: expected, error } of golden.cases) {
    const { resource, scope, log } = golden.contexts[context]!
    const logs = newLogs()
      .resource(resource.attributes)
      .scope(scope.name)
      .record({
        body: log.body,
        timeUnixNano: BigInt(log.time_unix_nano),
        observedUnixNano: BigInt(log.observed_time_unix_nano),
        droppedAttributesCount: log.dropped_attributes_count,
        severityNumber: log.severity_number,
        traceId: log.trace_id,
        spanId: log.span_id,
        flags: 1,
        attributes: log.attributes,
      })
      .build()
    const compiled = compileStatements([statement], 'log').items[0]!
    const frame = new Frame(testHost())
    const run = () =>
      logs.edit((record: Editable<LogRecord> & In) => {
        compiled.run(frame.enterLog(record))
      })
    if (error !== undefined) {
      assert.throws(
        run,
        (thrown: Error) => (statement in differs ? thrown.message.startsWith(error) : thrown.message === error),
        statement,
      )
      continue
    }
    const [record] = run()
    assert.deepEqual(plain(Object.fromEntries(record!.attributes.entries())), expected, statement)
  }
})

/** JSON has no doubles of its own. */
function plain(value: Value): unknown {
  if (isDouble(value)) return value.double
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item as Value)]))
}

/** Texts whose recorded flag says only that the raw grammar accepts them. */
const refused: Readonly<Record<string, string>> = {
  'set(int() + 1)': 'a converter begins with an upper-case letter',
  'set(1 * 1 + (2 * int()))': 'a converter begins with an upper-case letter',
  'set() where int() == 1': 'a converter begins with an upper-case letter',
  'set() where true and 1 == int() ': 'a converter begins with an upper-case letter',
  'set() where false or 1 == int() ': 'a converter begins with an upper-case letter',
  'test(fail())': 'a converter begins with an upper-case letter',
  'set() where test(foo)["key"] == "bar"': 'a converter begins with an upper-case letter',
  'set(foo.attributes["bar"].cat)["key"]': 'an editor has no keys',
}
/** Refused among the conditions, where it stands in the file; a statement like any other here. */
const statementsOnly = new Set(['set()'])

test('the grammar accepts what upstream accepts', { skip }, () => {
  const cases = JSON.parse(readFileSync(join(folder, 'grammar.json'), 'utf8')) as { text: string; valid: boolean }[]
  for (const { text, valid } of cases) {
    const parse = statementsOnly.has(text)
      ? parseCondition
      : parses(parseStatement, text)
        ? parseStatement
        : parseCondition
    assert.equal(parses(parse, text), valid && !(text in refused), text)
  }
})

function parses(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}
