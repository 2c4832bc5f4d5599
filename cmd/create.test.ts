import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { runProgram } from './in-process.fixture.ts'

const here = process.cwd()
let folder = ''
before(async () => {
  // As a user in an empty folder, outside of the repository.
  folder = await mkdtemp(join(tmpdir(), 'vigil-create-'))
  process.chdir(folder)
})
after(async () => {
  process.chdir(here)
  await rm(folder, { recursive: true })
})

const vigil = (...argv: readonly string[]) => runProgram(argv, process.env)

suite('create plugin', { concurrency: 2 }, () => {
  for (const kind of ['processor', 'receiver', 'exporter', 'connector', 'extension']) {
    test(`a new ${kind} validates, and passes its own test`, async () => {
      const name = `my_${kind}`
      const created = await vigil('create', 'plugin', name, '--kind', kind)
      assert.deepEqual([created.code, created.stderr], [0, ''])
      const files = [`${name}.test.ts`, `${name}.ts`, 'README.md', 'config.yaml']
      assert.deepEqual((await readdir(join(folder, name))).toSorted(), files.toSorted())
      const valid = await vigil('validate', '--config', join(name, 'config.yaml'))
      assert.deepEqual([valid.code, valid.stderr], [0, ''])
      const tested = await vigil('plugin', 'test', name)
      assert.equal(tested.code, 0, tested.stdout)
      assert.match(tested.stdout, /every option is described[\s\S]*pass \d+\b[\s\S]*fail 0/)
    })
  }

  test('a test that fails is told by the exit code', async () => {
    const name = 'failing'
    await vigil('create', 'plugin', name)
    const file = join(folder, name, `${name}.test.ts`)
    await writeFile(file, (await readFile(file, 'utf8')).replace("['shop', 'mine']", "['shop', 'theirs']"))
    const { code, stdout, stderr } = await vigil('plugin', 'test', name)
    assert.equal(code, 1)
    assert.match(stdout, /theirs/)
    assert.equal(stderr, 'Error: the tests of the plugin failed: see above\n')
  })

  test('nothing is overwritten, and a name that cannot be is refused', async () => {
    await mkdir(join(folder, 'there'))
    await writeFile(join(folder, 'there', 'mine.txt'), 'mine')
    const cases: [args: readonly string[], stderr: RegExp][] = [
      [['there'], /the folder there is there and not empty: take another name/],
      [['My-Thing'], /"My-Thing" is no component type: write lower-case .*, like my_thing/],
      [['../up'], /is no component type/],
      [['batch'], /there is a processor "batch" already \(vigil\/processors\/batch\)/],
      [['x', '--kind', 'pipeline'], /Allowed choices are processor, receiver, exporter, connector, extension/],
    ]
    for (const [args, stderr] of cases) {
      const ended = await vigil('create', 'plugin', ...args)
      assert.equal(ended.code, 1)
      assert.match(ended.stderr, stderr)
    }
    assert.deepEqual(await readdir(join(folder, 'there')), ['mine.txt'])
    const nothing = await vigil('plugin', 'test', 'nowhere')
    assert.deepEqual([nothing.code, /no file or folder nowhere/.test(nothing.stderr)], [1, true])
  })
})
