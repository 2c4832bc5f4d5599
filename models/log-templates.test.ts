import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { LogTemplates } from './log-templates.ts'

/** The template of each line as it was when the line was read, and how many groups there are. */
function mine(lines: readonly string[], options?: ConstructorParameters<typeof LogTemplates>[0]) {
  const templates = new LogTemplates(options)
  const seen = lines.map((line) => {
    const { id, text } = templates.add(line)
    return { id, text }
  })
  return { templates, texts: seen.map(({ text }) => text), groups: new Set(seen.map(({ id }) => id)).size, seen }
}
const last = (lines: readonly string[]) => mine(lines).texts.at(-1)

suite('what varies by its form is a variable from the first line on', () => {
  for (const [line, template] of [
    ['took 15 ms', 'took <*> ms'],
    ['at -3.5e2 of 10%', 'at <*> of <*>'],
    ['from 10.1.2.3:8080 to [fe80::1ff:fe23]', 'from <*> to [<*>]'],
    ['id 7f3a9c21-0d7e-4a1b-9c55-1234567890ab done', 'id <*> done'],
    ['read 0x7fff5fbff8c0 and ffffffff', 'read <*> and <*>'],
    ['open /var/log/app.log: denied', 'open <*>: denied'],
    [String.raw`open C:\Users\x\file failed`, 'open <*> failed'],
    ['GET https://host/a?b=c&d=e done', 'GET <*> done'],
    ['at 2024-05-01T10:15:00.123Z it began', 'at <*> it began'],
    ['job_200811092030_0001 is done', '<*> is done'],
    ['block blk_-1608999687919862906 is gone', 'block <*> is gone'],
    ['generating core.2275', 'generating core.2275'],
    ['"quoted text" stays, key="it goes"', '"quoted text" stays, key="it goes"'],
    ["it isn't broken...", "it isn't broken..."],
    ['user <*> came from <*>', 'user <*> came from <*>'],
  ] as const)
    test(line, () => assert.equal(last([line]), template))
})

suite('lines that are one', () => {
  const same: readonly (readonly [string, readonly string[], string])[] = [
    ['a number at the end of a word', ['link eth0 is up', 'link eth1 is up'], 'link eth<*> is up'],
    [
      'any number of values',
      ['copy 10.0.0.1:1 to 10.0.0.2:2', 'copy 10.0.0.1:1 to 10.0.0.2:2 10.0.0.3:3'],
      'copy <*> to <*>',
    ],
    ['a value that is not there', ['ruser= rhost=10.0.0.1', 'ruser=root rhost=10.0.0.1'], 'ruser=<*> rhost=<*>'],
    ['a unit', ['free 12 KB of it', 'free 3 MB of it'], 'free <*> <*> of it'],
    ['a word behind an equals sign', ['policy=strict on', 'policy=lax on'], 'policy=<*> on'],
    ['a quoted value', ['lock tag="View Lock" held', 'lock tag="x" held'], 'lock tag="<*>" held'],
    ['a dotted name', ['open proxy.example.org now', 'open www.example.com now'], 'open <*> now'],
    [
      'a user',
      ['session opened for user root now', 'session opened for user news now'],
      'session opened for user <*> now',
    ],
    ['a date in words', ['up since Fri Jul 01 2005', 'up since Sat Aug 02 2005'], 'up since <*> <*> <*> <*>'],
  ]
  for (const [name, lines, template] of same)
    test(name, () => {
      const { groups, texts } = mine(lines)
      assert.deepEqual([groups, texts.at(-1)], [1, template])
    })

  test('lines that differ in a word are not, until there are many such words', () => {
    const users = ['ada', 'bob', 'cy', 'dan', 'eve', 'fay', 'guy', 'hal']
    const { texts, groups, templates } = mine(users.map((user) => `session of ${user} was opened by the clerk`))
    assert.deepEqual(texts.slice(4), [
      'session of eve was opened by the clerk',
      'session of <*> was opened by the clerk',
      'session of <*> was opened by the clerk',
      'session of <*> was opened by the clerk',
    ])
    assert.equal(groups, 5)
    assert.equal(templates.size, 1, 'the earlier ones became part of it')
    assert.equal([...templates.templates()][0]?.count, 8)
    assert.equal(templates.add('session of ada was opened by the clerk').text, texts.at(-1))
  })

  test('states of few values stay apart', () => {
    const { groups } = mine(
      ['started', 'paused', 'resumed', 'stopped'].map((state) => `the machine was ${state} by its owner`),
    )
    assert.equal(groups, 4)
  })

  test('a remark in brackets that is there or not makes another line', () => {
    const { groups } = mine([
      'close, 5 bytes sent now',
      'close, 5 bytes (0.1 KB) sent now',
      'close, 7 bytes (2 KB) sent now',
    ])
    assert.equal(groups, 2)
  })

  test('two words that are new each time are two variables', () => {
    const word = (n: number) => Array.from(String(n * 7919 + 10_000), (digit) => 'qwertzuiop'[Number(digit)]).join('')
    const lines = Array.from(
      { length: 400 },
      (_, i) => `customer ${word(i)} bought the article ${word(i + 5_000)} in our shop`,
    )
    assert.equal(last(lines), 'customer <*> bought the article <*> in our shop')
  })
})

test('what stood at the variables is given in order', () => {
  const templates = new LogTemplates()
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['copy 10.0.0.1:1 to 10.0.0.2:2 in 3 ms, link eth0', ['10.0.0.1:1', '10.0.0.2:2', '3']],
    ['copy 10.0.0.1:1 to 10.0.0.2:2 10.0.0.3:3 in 3 ms, link eth1', ['10.0.0.1:1', '10.0.0.2:2 10.0.0.3:3', '3', '1']],
    ['copy x.y to 10.0.0.2:2 in 12 s, link eth12', ['x.y', '10.0.0.2:2', '12', 's', '12']],
  ]
  for (const [line, parameters] of cases) assert.deepEqual(templates.parameters(templates.add(line)), parameters, line)
})

test('an id is the same whatever came before, and in another process', () => {
  const line = 'connection to 10.0.0.1 was lost after 3 tries'
  const alone = new LogTemplates().add(line).id
  const other = mine(['something else', 'and more 1', line]).seen.at(-1)!.id
  assert.equal(alone, other)
  assert.equal(alone, '3691c22f81f2df67')
})

test('a line is given what the lines up to it say, whatever comes later', () => {
  const lines = Array.from(
    { length: 60 },
    (_, i) => `worker ${'abcdefgh'[i % 8]} of pool ${i} said ${i % 3 === 0 ? 'yes' : `${i} ms`}`,
  )
  const whole = mine(lines).seen
  for (const cut of [1, 7, 30]) assert.deepEqual(mine(lines.slice(0, cut)).seen, whole.slice(0, cut))
})

test('what was saved goes on as if nothing had happened', () => {
  const lines = Array.from(
    { length: 200 },
    (_, i) => `step ${'abcdefghijklmn'[i % 14]} of eth${i % 3} took ${i} ms for ${i % 5 === 0 ? 'x.y' : 'z.y'}`,
  )
  const whole = mine(lines).seen
  for (const cut of [3, 50, 120]) {
    const before = mine(lines.slice(0, cut)).templates
    const after = LogTemplates.restored(JSON.parse(JSON.stringify(before.save())))
    const rest = lines.slice(cut).map((line) => {
      const { id, text } = after.add(line)
      return { id, text }
    })
    assert.deepEqual(rest, whole.slice(cut))
  }
})

test('what was not saved here is refused', () => {
  for (const saved of [
    undefined,
    {},
    { version: 2, templates: [] },
    { version: 1, evicted: 0, templates: [{ id: 5 }] },
  ])
    assert.throws(() => LogTemplates.restored(saved), /saved templates/)
})

test('there are never more than maxTemplates, and those that are seen stay', () => {
  const templates = new LogTemplates({ maxTemplates: 20, minValues: 6 })
  const letters = (i: number) => String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26))
  const usual = 'the usual line is seen all the time'
  const first = templates.add(usual)
  for (let i = 0; i < 500; i++) {
    templates.add(`${letters(i)} ${letters(i * 7 + 1)} ${letters(i * 11 + 2)} new`)
    assert.equal(templates.add(usual), first)
    assert.ok(templates.size <= 20)
  }
  assert.ok(templates.evicted > 400)
})

test('a line without words is told by its marks', () => {
  const { groups, texts } = mine(['[12] {5}', '[13] {7}', '12:30', '---', ''])
  assert.deepEqual([groups, texts], [4, ['[<*>] {<*>}', '[<*>] {<*>}', '<*>', '---', '']])
})

test('of a text of several lines the first counts', () => {
  const { groups, texts } = mine(['it failed\n  at a.b(c.ts:1)\n  at d', 'it failed\n  at x'])
  assert.deepEqual([groups, texts[1]], [1, 'it failed <*>'])
})

test('a very long line costs no more than a long one', () => {
  const templates = new LogTemplates()
  const { text } = templates.add('word '.repeat(100_000))
  assert.ok(text.length < 1_000 && text.endsWith(' <*>'))
  assert.ok(templates.add(`prefix ${'x'.repeat(1_000_000)}`).text.length < 3_000)
})

test('a text of marks only keeps its bounds', () => {
  const templates = new LogTemplates()
  for (const mark of ['-', ':', 'a:', '(', '="a"', '.', 'a-1 ', "'", '<*>', '//', 'a::', '-a:1'])
    for (const length of [120, 125, 126, 127, 128, 200, 5_000]) {
      const line = mark.repeat(length)
      const template = templates.add(line)
      templates.parameters(template)
      assert.equal(templates.add(line), template)
      assert.ok(template.text.length < 10_000)
    }
})

test('any text has a template, and the same one again', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { maxLength: 40 }), (lines) => {
      const templates = new LogTemplates({ maxTemplates: 10, minValues: 2 })
      for (const line of lines) {
        const template = templates.add(line)
        assert.ok(!template.isGone)
        assert.equal(typeof template.text, 'string')
        templates.parameters(template)
        assert.equal(templates.add(line), template)
      }
      assert.ok(templates.size <= 10)
      LogTemplates.restored(JSON.parse(JSON.stringify(templates.save())), { maxTemplates: 10, minValues: 2 })
    }),
    { numRuns: 300 },
  )
})
