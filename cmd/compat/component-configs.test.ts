import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readComponentCorpus } from './component-configs.ts'

test('instances are found as keys, inside a whole configuration, inside a ConfigMap, or as a bare body', async () => {
  const shared = await mkdtemp(join(tmpdir(), 'component-configs-'))
  const folder = join(shared, 'corpus/component_configs/processor_group_by_attrs')
  await mkdir(folder, { recursive: true })
  const files = {
    'a-keys.yaml': 'groupbyattrs/one: {n: 1.0}\ngroup_by_attrs:\nother: {}\n',
    'b-whole.yaml': 'processors: {groupbyattrs/two: {keys: [a]}, batch: }\nservice: {pipelines: {}}\n',
    'c-map.yaml':
      'apiVersion: v1\ndata:\n  relay: |\n    processors: {groupbyattrs/three: }\n    service: {pipelines: {}}\n',
    'd-body.yaml': 'keys: [b]\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const before = process.env['VIGIL_SHARED']
  process.env['VIGIL_SHARED'] = shared
  try {
    const { configs } = await readComponentCorpus()
    assert.deepEqual(
      configs?.map(({ section, type, id, yaml }) => [section, type, id, yaml.trim()]),
      [
        ['processors', 'groupbyattrs', 'groupbyattrs/one', 'groupbyattrs/one: { n: 1.0 }'],
        ['processors', 'groupbyattrs', 'group_by_attrs', 'group_by_attrs:'],
        ['processors', 'groupbyattrs', 'groupbyattrs/two', 'groupbyattrs/two: { keys: [ a ] }'],
        ['processors', 'groupbyattrs', 'groupbyattrs/three', 'groupbyattrs/three:'],
        ['processors', 'groupbyattrs', 'group_by_attrs', 'group_by_attrs:\n  keys: [ b ]'],
      ],
    )
  } finally {
    if (before === undefined) delete process.env['VIGIL_SHARED']
    else process.env['VIGIL_SHARED'] = before
    await rm(shared, { recursive: true, force: true })
  }
})
