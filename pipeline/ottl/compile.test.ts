import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGroup, compileStatements } from './compile.ts'
import { explain } from './fields.ts'
import { CompileError } from './problems.ts'

function problemsOf(compile: () => unknown): CompileError['problems'] {
  try {
    compile()
  } catch (error) {
    assert.ok(error instanceof CompileError)
    return error.problems
  }
  return assert.fail('it compiled')
}

test('a group takes its context from statements and conditions together', () => {
  const { context, items, conditions } = compileGroup(
    ['set(resource.attributes["a"], 1)', 'set(scope.name, "s")'],
    ['span.kind == SPAN_KIND_SERVER', 'true'],
    'infer',
  )
  assert.deepEqual([context, items.length, conditions.length], ['span', 2, 2])
})

test('problems of conditions are counted on after those of statements', () =>
  assert.deepEqual(
    problemsOf(() => compileGroup(['set(span.nme, 1)', 'set(span.name,'], ['span.kin == 1'], 'span')).map(
      ({ statement, text, column }) => [statement, text, column],
    ),
    [
      [0, 'set(span.nme, 1)', 10],
      [1, 'set(span.name,', 15],
      [2, 'span.kin == 1', 6],
    ],
  ))

test('a statement that does not parse hides no problem of the others, though the context is inferred', () =>
  assert.deepEqual(
    problemsOf(() => compileStatements(['set(span.name', 'sett(span.name, "a")'], 'infer')).map(
      ({ statement }) => statement,
    ),
    [0, 1],
  ))

test('a context that the signal does not have is not inferred', () => {
  const [problem] = problemsOf(() =>
    compileStatements(['set(log.body, "a")'], 'infer', { contexts: ['resource', 'scope', 'span'] }),
  )
  assert.match(problem!.message, /no path begins with a context \(resource, scope, span\); found log$/)
})

const hints = [
  ['set(attributes["a"], 1)', 'infer', /found attributes; write .*span\.attributes/],
  ['set(attributes[env], 1)', 'span', /a key is written in quotes: \["env"\]/],
  ['set(status.code, ERROR)', 'span', /did you mean "STATUS_CODE_ERROR"\?/],
  ['set(spam.name, "a")', 'span', /did you mean "span"\?/],
  ['set(exemplar.time_unix_nno, 1)', 'infer', /did you mean "time_unix_nano"\?/],
] as const
for (const [statement, context, wanted] of hints)
  test(`${statement} is refused with a hint`, () =>
    assert.match(problemsOf(() => compileStatements([statement], context))[0]!.message, wanted))

test('of a long line the part around the mistake is shown, with a mark below it', () => {
  const text = `set(span.name, Concat([${'"a", '.repeat(40)}span.nme${', "b"'.repeat(40)}], ""))`
  const [problem] = problemsOf(() => compileStatements([text], 'span'))
  const [, shown = '', mark = ''] = explain(problem!).split('\n')
  assert.ok(shown.length < 140 && shown.startsWith('    …') && shown.endsWith('…'))
  assert.equal(shown.slice(mark.indexOf('^'), mark.indexOf('^') + 3), 'nme')
})
