import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { testFolder } from '../pipeline/testing/test-folder.ts'
import { runProgram } from './in-process.fixture.ts'

const folder = testFolder('plugins')

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}
const processor = (type: string) => `import { defineProcessor, z } from 'vigil/plugin'
export default defineProcessor({ type: '${type}', signals: { logs: 'alpha' }, config: z.strictObject({}), create: () => ({ logs: (batch) => batch }) })\n`
const config = (plugins: string, ...processors: readonly string[]) => `
receivers: { nop: }
processors: { ${processors.map((type) => `${type}: `).join(', ')} }
exporters: { nop: }
service:
  plugins: ${plugins}
  pipelines: { logs: { receivers: [nop], processors: [${processors.join(', ')}], exporters: [nop] } }
`
const vigil = (...argv: readonly string[]) => runProgram(argv)
const at = (name: string) => join(folder, name)
const packageOf = (name: string, source: string, entry = 'index.js') => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, type: 'module', exports: { import: `./${entry}` } }),
  [`node_modules/${name}/${entry}`]: source,
})

suite('service::plugins', () => {
  test('files are relative to the configuration that names them, and packages are found beside it', async () => {
    write({
      'a/here.ts': processor('here'),
      'a/config.yaml': config('[./here.ts, vigil-plugin-foo, "@acme/vigil-plugin-bar"]', 'here', 'foo', 'bar'),
      'a/other.yaml': config('[./here.ts]', 'here'),
      ...packageOf('vigil-plugin-foo', processor('foo')),
      ...packageOf('@acme/vigil-plugin-bar', processor('bar')),
    })
    assert.deepEqual(await vigil('validate', '--config', at('a/config.yaml')), { code: 0, stdout: '', stderr: '' })
    const { stdout } = await vigil('print-config', '--config', at('a/config.yaml'))
    assert.match(stdout, /plugins:\n\s+- \.\/here\.ts\n\s+- vigil-plugin-foo/)
  })

  test('a plugin that the command line names too is one plugin', async () => {
    const ended = await vigil('validate', '--config', at('a/other.yaml'), '--plugin', at('a/here.ts'))
    assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' })
  })

  test('--set may name plugins, relative to the current folder', async () => {
    const ended = await vigil('validate', '--config', at('a/other.yaml'), `--set=service.plugins=[${at('a/here.ts')}]`)
    assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' })
  })

  test('what is wrong is said with its place and the cure, all at once', async () => {
    write({
      ...packageOf('vigil-plugin-typed', processor('typed'), 'index.ts'),
      ...packageOf('vigil-plugin-empty', 'export default {}\n'),
      ...packageOf('vigil-plugin-broken', "throw new Error('no licence')\n"),
      'all.yaml': config(
        '[./nowhere.ts, vigil-plugin-nowhere, vigil-plugin-typed, vigil-plugin-empty, vigil-plugin-broken]',
        'x',
      ),
      'text.yaml': config('./nowhere.ts', 'x'),
      'items.yaml': config('[3, {}]', 'x'),
      'clash.yaml': config('[./clash.ts]', 'batch'),
      'clash.ts': processor('batch'),
    })
    const all = await vigil('validate', '--config', at('all.yaml'))
    assert.equal(all.code, 1)
    for (const message of [
      /all\.yaml:6:13 service::plugins::0: plugin \.\/nowhere\.ts could not be loaded: there is no such file/,
      /service::plugins::1: .* it is in no node_modules of .* or above: run `npm install vigil-plugin-nowhere` there/,
      /service::plugins::2: .* a package must hold JavaScript/,
      /service::plugins::3: plugin vigil-plugin-empty has no component as its default export: write/,
      /service::plugins::4: plugin vigil-plugin-broken could not be loaded: no licence/,
    ])
      assert.match(all.stderr, message)
    const cases: [file: string, message: RegExp][] = [
      ['text.yaml', /text\.yaml:6:12 service::plugins: expected a list .*, got string; write a list/],
      ['items.yaml', /plugins::0: expected a file or a package, got int;[\s\S]*plugins::1: .* got map/],
      ['clash.yaml', /brings the processor "batch", which vigil\/processors\/batch brings already: rename its type/],
    ]
    for (const [file, message] of cases) assert.match((await vigil('validate', '--config', at(file))).stderr, message)
  })

  test('the schema for editors has the key', async () => {
    const { stdout } = await vigil('schema')
    const { properties } = JSON.parse(stdout) as { properties: { service: { properties: object } } }
    assert.ok('plugins' in properties.service.properties)
  })
})
