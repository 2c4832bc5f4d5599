import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { hypothesisSignatures } from '../../models/root-cause/signatures.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { hypotheses } from '../../pipeline/vocabulary/diagnosis.ts'
import * as pets from './petshop.ts'
import * as socks from './sockshop.ts'

test('the ranking knows each hypothesis of the vocabulary and no other', () => {
  assert.deepEqual(hypothesisSignatures.map(({ name }) => name).toSorted(), [...hypotheses].toSorted())
})

const sockDir = sharedPath('data/rcd-sockshop')
suite('sockshop', { skip: skipWithout(sockDir) }, () => {
  test('the container is found at every shift of the onset by up to a minute', async () => {
    for (const name of await socks.sockshopCases(sockDir)) {
      const recording = await socks.readRecording(join(sockDir, name))
      for (const shift of [-60, -30, 0, 30, 60]) {
        const { causes } = socks.diagnose(name, recording, recording.onset + shift)
        assert.equal(causes[0]!.entity, name.split('-')[0], `${name} at ${shift}`)
      }
    }
  })

  test('names and the order of columns change nothing', async () => {
    const recording = await socks.readRecording(join(sockDir, 'orders-cpu/1'))
    const renamed = (name: string) =>
      name.replace(
        /^(.+?)(?=_(?:cpu|mem|lod|lat))/,
        (entity) => `x${btoa(entity).length}${entity.split('').toReversed().join('')}`,
      )
    const moved = {
      ...recording,
      names: recording.names.map(renamed).toReversed(),
      columns: recording.columns.toReversed(),
    }
    const [before, after] = [
      socks.diagnose('a', recording, recording.onset),
      socks.diagnose('a', moved, recording.onset),
    ]
    const entity = (name: string) => renamed(`${name}_cpu`).replace(/_cpu$/, '')
    assert.deepEqual(
      after.causes.map((cause) => [cause.entity, cause.hypothesis, cause.score.toFixed(9)]),
      before.causes.map((cause) => [entity(cause.entity), cause.hypothesis, cause.score.toFixed(9)]),
    )
  })
})

const petDir = sharedPath('data/petshop')
suite('petshop', { skip: skipWithout(petDir) }, () => {
  test('top-1 is above .73 and top-3 above .92, each case with a line', async () => {
    let [cases, first, three] = [0, 0, 0]
    for (const scenario of await pets.readScenarios(petDir)) {
      for (const name of scenario.issues) {
        const { causes } = pets.diagnose(await pets.readIssue(petDir, name, scenario))
        const label = JSON.parse(readFileSync(join(petDir, name, 'target.json'), 'utf8')) as {
          root_cause: { node: string }
        }
        const place = causes.findIndex(({ entity }) => entity === label.root_cause.node)
        cases++
        if (place === 0) first++
        if (place < 3) three++
      }
    }
    assert.ok(first / cases > 0.73 && three / cases > 0.92, `${first} and ${three} of ${cases}`)
  })

  test('names and the order of columns and nodes change nothing', async () => {
    const renamed = (name: string) => `n${name.split('').toReversed().join('')}`
    for (const scenario of await pets.readScenarios(petDir)) {
      const issue = await pets.readIssue(petDir, scenario.issues[0]!, scenario)
      const moved = (columns: pets.Recording['columns']) =>
        columns.map((column) => ({ ...column, node: renamed(column.node) })).toReversed()
      const other: pets.Issue = {
        ...issue,
        target: { ...issue.target, node: renamed(issue.target.node) },
        columns: moved(issue.columns),
        scenario: {
          ...scenario,
          nodes: scenario.nodes.map(renamed).toReversed(),
          edges: scenario.edges.map(([a, b]) => [renamed(a), renamed(b)] as const).toReversed(),
          quiet: scenario.quiet && { ...scenario.quiet, columns: moved(scenario.quiet.columns) },
        },
      }
      const told = (line: ReturnType<typeof pets.diagnose>, name: (entity: string) => string) =>
        line.causes.slice(0, 10).map((cause) => [name(cause.entity), cause.hypothesis, cause.score.toFixed(9)])
      assert.deepEqual(told(pets.diagnose(other), String), told(pets.diagnose(issue), renamed))
    }
  })
})
