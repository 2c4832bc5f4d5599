import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { loghub as evaluation } from '../evaluate/loghub.ts'
import { loghub } from './loghub.ts'
import { columnOf, parseCsv } from './read-csv.ts'

const root = testFolder('loghub')

function folder(name: string, systems: Readonly<Record<string, string>>): string {
  for (const [system, csv] of Object.entries(systems)) {
    mkdirSync(join(root, name, system), { recursive: true })
    writeFileSync(join(root, name, system, `${system}_2k.log_structured.csv`), csv)
  }
  return join(root, name)
}

async function predicted(dir: string): Promise<readonly object[]> {
  const lines: object[] = []
  await loghub.predict(
    dir,
    (line) => void lines.push(line),
    () => {},
  )
  return lines
}
const csvOf = (bodies: readonly string[]) =>
  `LineId,Level,Content\n${bodies.map((body, i) => `${i + 1},INFO,"${body.replaceAll('"', '""')}"`).join('\n')}\n`

suite('predict', () => {
  test('each line gets the template as it was known then, each system its own', async () => {
    const dir = folder('two', {
      Beta: csvOf(['user "ada" came, from 10.0.0.1', 'took 5 ms']),
      Alpha: csvOf(['policy=lax is on', 'policy=strict is on', 'policy=lax is on']),
    })
    const lines = (await predicted(dir)) as { case: string; line: number; template: string; template_id: string }[]
    assert.deepEqual(
      lines.map(({ case: name, line, template }) => [name, line, template]),
      [
        ['Alpha', 1, 'policy=lax is on'],
        ['Alpha', 2, 'policy=<*> is on'],
        ['Alpha', 3, 'policy=<*> is on'],
        ['Beta', 1, 'user "ada" came, from <*>'],
        ['Beta', 2, 'took <*> ms'],
      ],
    )
    assert.equal(new Set(lines.slice(0, 3).map(({ template_id }) => template_id)).size, 1)
  })

  test('input that is cut off gives the same first lines', async () => {
    const bodies = Array.from(
      { length: 1_300 },
      (_, i) => `worker ${'abcdefghijk'[i % 11]} of pool ${i} said ${i % 7 === 0 ? 'yes' : 'x.y'}`,
    )
    const whole = await predicted(folder('whole', { S: csvOf(bodies) }))
    const cut = await predicted(folder('cut', { S: csvOf(bodies.slice(0, 777)) }))
    assert.deepEqual(cut, whole.slice(0, 777))
  })

  for (const [name, systems, words] of [
    ['empty', {}, /has no <System>/],
    ['columns', { S: 'LineId,Text\n1,a\n' }, /S_2k\.log_structured\.csv has no column Content: it has LineId, Text/],
    ['quote', { S: 'LineId,Content\n1,"a\n' }, /row 2 opens a quote that is not closed/],
    ['cells', { S: 'LineId,Content\n1,a,b\n' }, /row 1 has 3 cells where the header has 2/],
    ['ids', { S: 'LineId,Content\nx,a\n' }, /row 1 has no number in LineId/],
  ] as const)
    test(`what is wrong with the input is said: ${name}`, async () => {
      mkdirSync(join(root, name), { recursive: true })
      await assert.rejects(predicted(folder(name, systems)), words)
    })
})

test('cells may be quoted, empty, and of several lines', () => {
  const csv = parseCsv('\ufeffa,b,c\r\n1,"x, ""y""\nz",\r\n\r\n2,,"q"', 'f')
  assert.deepEqual(csv, {
    header: ['a', 'b', 'c'],
    rows: [
      ['1', 'x, "y"\nz', ''],
      ['2', '', 'q'],
    ],
  })
  assert.deepEqual(columnOf(csv, 'b', 'f'), ['x, "y"\nz', ''])
})

const data = sharedPath('data/loghub2k')
test('on Loghub GA is above .87 and FGA above .75 with the one configuration', {
  skip: skipWithout(data),
}, async () => {
  const lines = await predicted(data)
  async function* all() {
    yield* lines
  }
  const [table] = await evaluation.evaluate(all(), data, () => {})
  const mean = table!.rows.at(-1)!
  assert.equal(mean[0], 'mean')
  assert.ok(Number(mean[1]) > 0.87, `GA ${mean[1]}`)
  assert.ok(Number(mean[2]) > 0.75, `FGA ${mean[2]}`)
})
