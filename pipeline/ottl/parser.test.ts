import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Bool, Expression } from './ast.ts'
import { compileConditions, compileStatements } from './compile.ts'
import { parseCondition, parseStatement, parseValue } from './parser.ts'
import { printBool, printStatement, printValue } from './print.ts'
import { CompileError, Fault } from './problems.ts'

/** Words from which most texts are nearly statements. */
const word = fc.constantFrom(
  'set', '(', ')', '[', ']', '{', '}', ',', '.', ':', '=', '==', '!=', '<=', '>', '+', '-', '*', '/', ' where ', ' and ', ' or ', ' not ', 'true',
  'false', 'nil', 'span', 'attributes', '"a"', '"', '\\', '1', '-1', '1.5', '0x0a', 'Concat', 'SPAN_KIND_SERVER', ' ', '\n', 'x', 'é', '0x', "'",
) // biome-ignore format: one list

test('the parser answers or refuses any text, and never hangs or breaks', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word, { maxLength: 60 }).map((words) => words.join('')),
  )
  fc.assert(
    fc.property(anyText, (text) => {
      for (const parse of [parseStatement, parseCondition, parseValue]) {
        try {
          parse(text)
        } catch (error) {
          assert.ok(error instanceof Fault)
          assert.ok(error.at >= 0 && error.at <= text.length)
        }
      }
    }),
    { numRuns: 3_000 },
  )
})

const at = { at: 0, end: 0 }
const name = fc.constantFrom('a', 'name', 'attributes', 'x_1')
const int = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value): Expression => ({ type: 'int', value, ...at }))
const text = fc.string({ unit: 'binary' }).map((value): Expression => ({ type: 'string', value, ...at }))
const keys = fc.array(fc.oneof(int, text), { maxLength: 2 })
const path = fc
  .array(fc.record({ name, keys, at: fc.constant(0), end: fc.constant(0) }), { minLength: 1, maxLength: 3 })
  .map((fields): Expression => ({ type: 'path', fields, ...at }))
const { expression } = fc.letrec<{ expression: Expression; math: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant<Expression>({ type: 'nil', ...at }),
    text,
    int,
    path,
    fc.boolean().map((value): Expression => ({ type: 'bool', value, ...at })),
    fc.uint8Array({ minLength: 1 }).map((value): Expression => ({ type: 'bytes', value, ...at })),
    fc.record({ args: fc.array(tie('expression'), { maxLength: 3 }), keys }).map(
      ({ args, keys: indices }): Expression => ({
        type: 'call',
        name: 'Fn',
        args: args.map((value) => ({ name: undefined, value, ...at })),
        keys: indices,
        ...at,
      }),
    ),
    fc.array(tie('expression'), { maxLength: 3 }).map((items): Expression => ({ type: 'list', items, ...at })),
    tie('math'),
  ),
  math: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    int,
    path,
    fc
      .record({ op: fc.constantFrom('+' as const, '/' as const), left: tie('math'), right: tie('math') })
      .map((math): Expression => ({ type: 'math', ...math, ...at })),
  ),
}))

test('what is printed reads back as the same', () => {
  fc.assert(
    fc.property(expression, (value) => {
      const printed = printValue(value)
      assert.equal(printValue(parseValue(printed)), printed)
      const statement = `set(${printed}) where ${printed} == nil or not (${printed} < 1 and true)`
      const once = printStatement(parseStatement(statement))
      assert.equal(printStatement(parseStatement(once)), once)
    }),
    { numRuns: 500 },
  )
})

test('not binds tighter than and, and tighter than or', () => {
  const shape = (bool: Bool): unknown =>
    bool.type === 'or' || bool.type === 'and'
      ? [bool.type, ...bool.operands.map(shape)]
      : bool.type === 'not'
        ? ['not', shape(bool.operand)]
        : printBool(bool)
  assert.deepEqual(shape(parseCondition('true or not false and a == 1')), [
    'or',
    'true',
    ['and', ['not', 'false'], 'a == 1'],
  ])
  assert.deepEqual(shape(parseCondition('(true or false) and (1 + 2) * 3 == 9')), [
    'and',
    ['or', 'true', 'false'],
    '(1 + 2) * 3 == 9',
  ])
})

test('thousands of brackets are refused, not recursed into', () => {
  for (const text of [
    '('.repeat(20_000),
    '['.repeat(20_000),
    `${'F('.repeat(20_000)}`,
    `${'not '.repeat(9_000)}true`,
    '1 + '.repeat(20_000),
  ]) {
    assert.throws(() => parseCondition(text), Fault)
  }
})

/** Where the problem is and what it says; `infer` unless the context is named. */
const wrong: readonly (readonly [statement: string, place: string, message: RegExp, context?: 'span' | 'log'])[] = [
  ['set(span.nme, "x")', '1:10', /segment "nme" is not a valid path .* did you mean "name"\?/],
  [
    'set(span.name, "x") where span.kind == SPAN_KIND_SERVR',
    '1:40',
    /enum symbol SPAN_KIND_SERVR not found .* did you mean "SPAN_KIND_SERVER"\?/,
  ],
  ['sett(span.name, "x")', '1:1', /undefined function "sett"; did you mean "set"\?/],
  ['set(span.name, Concaat(["a"], ""))', '1:16', /undefined function "Concaat"; did you mean "Concat"\?/],
  ['set(span.name)', '1:1', /incorrect number of arguments. Expected: 2 \(target, value\) Received: 1/],
  ['set("x", "y") where span.name == ""', '1:5', /must be a path/],
  ['set(span.name, valeu="y")', '1:16', /no such parameter: valeu; it has target, value/],
  ['set(target=span.name, "y")', '1:23', /unnamed argument used after named argument/],
  ['set(span.name, "x") where span.name = "y"', '1:37', /equality is written ==/],
  ["set(span.name, 'x')", '1:16', /double quotes/],
  ['set(span.name, "x)', '1:16', /no closing quote/],
  ['set(span.name, "x") and', '1:21', /expected "where" or the end/],
  ['set(span.name["x"], "y")', '1:15', /"span.name" does not support indexing/],
  ['set(spn.name, "x")', '1:1', /cannot infer the context: .* found spn/],
  ['set(name, "x")', '1:1', /cannot infer the context/],
  ['set(span.name, metric.name)', '1:5', /context "span" from path "span.name" is not valid in the metric context/],
  ['Set(span.name, "x")', '1:1', /editor names must start with a lowercase letter but got 'Set'/],
  ['set(span.name, "\\q")', '1:17', /unknown escape \\q/],
  ['set(name,\n  nme)', '2:3', /did you mean "name"\?/, 'span'],
  [
    'replace_pattern(span.name, "(", "x")',
    '1:28',
    /replace_pattern: invalid argument at position 1 \(regex\): the regex "\(" is not valid/,
  ],
  ['set(log.body, Substring(log.body, 0))', '1:15', /Expected: 3 to 4/],
  ['limit(span.attributes, 1, ["a", "b"])', '1:1', /cannot be less than number of priority attributes 2/],
]

test('problems say where they are and what would be right', () => {
  for (const [statement, place, message, context = 'infer'] of wrong) {
    assert.throws(
      () => compileStatements([statement], context),
      (error: Error) => {
        assert.ok(error instanceof CompileError, error.stack)
        const [problem] = error.problems
        assert.equal(`${problem!.line}:${problem!.column}`, place, `${statement}: ${problem!.message}`)
        assert.match(problem!.message, message)
        return true
      },
      statement,
    )
  }
})

test('all problems of all statements are found at once', () => {
  const statements = ['set(span.nme, Foo()) where span.kid == 1', 'set(span.name, "fine")', 'set(']
  assert.throws(
    () => compileStatements(statements, 'span'),
    ({ problems }: CompileError) => {
      assert.deepEqual(
        problems.map(({ statement, column }) => [statement, column]),
        [
          [0, 10],
          [0, 15],
          [0, 33],
          [2, 5],
        ],
      )
      return true
    },
  )
})

test('the context is inferred from the prefixes, and goes by the functions where they decide', () => {
  const table = [
    ['set(log.body, "x")', 'log'],
    ['set(datapoint.attributes["a"], metric.name)', 'datapoint'],
    ['set(metric.name, resource.attributes["a"])', 'metric'],
    ['set(spanevent.name, span.name)', 'spanevent'],
    ['set(resource.attributes["a"], span.name)', 'span'],
    ['set(resource.attributes["a"], "x")', 'resource'],
    ['set(scope.name, resource.attributes["a"])', 'scope'],
    ['set(instrumentation_scope.name, "x")', 'scope'],
    ['set(resource.attributes["root"], true) where IsRootSpan()', 'span'],
  ] as const
  for (const [statement, context] of table)
    assert.equal(compileStatements([statement], 'infer').context, context, statement)
  assert.equal(compileConditions(['IsMatch(resource.attributes["a"], "b")', 'span.kind == 2'], 'infer').context, 'span')
})

test('a statement names the paths that it reads and writes', () => {
  const { items } = compileStatements(
    ['set(span.attributes["a"], resource.attributes["b"]) where span.name == "x"'],
    'infer',
  )
  assert.deepEqual([...items[0]!.writes], ['span.attributes["a"]'])
  assert.deepEqual([...items[0]!.reads].sort(), ['resource.attributes["b"]', 'span.attributes["a"]', 'span.name'])
})
