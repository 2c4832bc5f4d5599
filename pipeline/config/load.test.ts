import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { z } from 'zod'
import { sharedPath, skipWithout } from '../testing/shared-files.ts'
import { testFolder } from '../testing/test-folder.ts'
import { coerceSection } from './coerce.ts'
import { ConfigError } from './config.ts'
import { parseFeatureGates } from './feature-gates.ts'
import { fieldSchema } from './field-schema.ts'
import { type LoadOptions, loadConfig } from './load.ts'
import { merge, splitKeys } from './merge.ts'
import { parseYaml } from './parse-yaml.ts'
import { Problems } from './problems.ts'
import { type MapNode, type Node, toPlain } from './tree.ts'

function golden(t: TestContext, file: string): string | undefined {
  const full = sharedPath('corpus/golden', file)
  const why = skipWithout(full)
  if (why === false) return full
  t.skip(why)
  return undefined
}

const folders = testFolder('load')

function folder(files: Readonly<Record<string, string>>): string {
  const cwd = mkdtempSync(path.join(folders, 'cwd-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(cwd, name), text)
  return cwd
}
async function load(yaml: string, options: Partial<LoadOptions> = {}): Promise<unknown> {
  return toPlain((await loadConfig({ uris: [`yaml:${yaml}`], env: {}, ...options })).root)
}
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('it was accepted'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof ConfigError, String(error))
  return error.message
}
function at(node: Node | undefined, ...keys: readonly string[]): Node | undefined {
  return keys.reduce<Node | undefined>((n, key) => (n?.kind === 'map' ? n.entries.get(key)?.value : undefined), node)
}

test('scalars are what go.yaml.in/yaml v3 makes of them', async () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['0123', 83],
    ['0o17', 15],
    ['0xdeadbeef', 3_735_928_559],
    ['0b101', 5],
    ['1_000', 1_000],
    ['-7', -7],
    ['1e3', 1_000],
    ['.5', 0.5],
    ['1.2.3', '1.2.3'],
    ['08', 8],
    ['yes', 'yes'],
    ['on', 'on'],
    ['True', true],
    ['~', null],
    ['', null],
    ["'0123'", '0123'],
    ['!!str 0123', '0123'],
    ['!!int "7"', 7],
    ['!!bool yes', true],
    ['2020-01-01', '2020-01-01'],
    ['.inf', Number.POSITIVE_INFINITY],
    ['a:b', 'a:b'],
  ]
  for (const [text, value] of cases) assert.deepEqual(await load(`a: ${text}`), { a: value }, text)
})

test('anchors, merge keys and keys with :: work', async () => {
  const yaml = `
base: &b {x: 1, y: 2}
one: {<<: *b, y: 3}
two: {<<: [*b, {z: 4}]}
receivers::otlp::protocols: {grpc: }
receivers: {nop: }
nested: {a::b: 1, a: {c: 2}}
`
  assert.deepEqual(await load(yaml), {
    base: { x: 1, y: 2 },
    one: { x: 1, y: 3 },
    two: { x: 1, y: 2, z: 4 },
    receivers: { nop: null, otlp: { protocols: { grpc: null } } },
    nested: { a: { b: 1, c: 2 } },
  })
})

test('YAML that is not valid is refused at its place', async () => {
  const cases = [
    ['a: 1\nb: 2\na: 3', /^yaml:3:1 .*mapping key "a" already defined at line 1/],
    ['a:\n\tb: 1', /^yaml:2:1 not valid YAML: /],
    ['a: [1', /^yaml:1:\d+ not valid YAML: /],
    ['a: *x', /unknown anchor 'x' referenced/],
    ['a: &x [*x]', /anchor 'x' value contains itself/],
    ['a: {<<: 1}', /map merge requires map or sequence of maps/],
    ['a: b: c', /^yaml:1:4 not valid YAML: mapping values are not allowed in this context; put the value in quotes/],
    ["a: 'b", /^yaml:1:\d not valid YAML: found unexpected end of stream; close the text that ' opens$/],
    ['a: @b', /^yaml:1:4 not valid YAML: found character that cannot start any token; put the value in quotes$/],
    ['hello', /retrieved value \(type=string\) cannot be used as a Conf/],
    ['[a]', /retrieved value \(type=\[\]interface \{\}\) cannot be used as a Conf/],
    ['12', /retrieved value \(type=int\) cannot be used as a Conf/],
  ] as const
  for (const [yaml, message] of cases) assert.match(await failure(load(yaml)), message, yaml)
})

test('aliases that grow without bound are refused, and so is nesting', async () => {
  const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 9; i++)
    laughs.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  assert.match(await failure(load(laughs.join('\n'))), /not valid YAML: document contains excessive aliasing/)
  assert.match(await failure(load(`a: ${'['.repeat(8_000)}`)), /not valid YAML: nested too deep/)
})

test('references are replaced as in upstream', async () => {
  const env = {
    A: 'x',
    N: '0123',
    L: '[a, "${A}"]',
    M: '{k: 1}',
    NAME: 'A',
    EMPTY: '',
    Q: '"q"',
    BAD: '["a",',
    F: '[a, ${A}]',
  }
  const cases: readonly (readonly [string, unknown])[] = [
    ['${A}', 'x'],
    ['${env:A}', 'x'],
    ['a${A}b${A}', 'axbx'],
    ['$A', '$A'],
    ['$$A', '$A'],
    ['$${A}', '${A}'],
    ['$$${A}', '$x'],
    ['$$$${A}', '$${A}'],
    // Upstream replaces every occurrence of the text it found, escaped ones too.
    ['$${A} ${A}', '$x x'],
    ['$${A} ${Q}', '${A} "q"'],
    ['${env:${NAME}}', 'x'],
    ['$${env:${A}}', '${env:x}'],
    ['${N}', 83],
    ['n${N}', 'n0123'],
    ['${L}', ['a', 'x']],
    ['${F}', '[a, x]'],
    ['${M}', { k: 1 }],
    ['${Q}', '"q"'],
    ['${BAD}', '["a",'],
    ['${EMPTY}', null],
    ['${env:U:-d}', 'd'],
    ['${env:U:-a:-b}', 'a:-b'],
    ['${env:U:-}', null],
    ['${env:EMPTY:-d}', null],
    ['${env:U:-$${env:U}}', '${env:U:-${env:U}}'],
    ['${env:U}b', 'b'],
    ['${yaml:[1, 2]}', [1, 2]],
    ['} ${A}', '} x'],
    ['${A', '${A'],
  ]
  for (const [text, value] of cases) assert.deepEqual(await load(`a: '${text}'`, { env }), { a: value }, text)
  assert.deepEqual(await load('${A}: 1', { env }), { '${A}': 1 }, 'keys stay as they are')
})

test('references that cannot be followed are all told, with their places', async () => {
  const yaml = 'a: ${hello.world}\nb: [1, "${foo:bar}"]\nc: ${R}\nd: ${env:U:-$x}\ne: ${file:/nope}\nf: ${ENDPOINT:-x}'
  const message = await failure(load(yaml, { env: { R: '${R}' } }))
  assert.deepEqual(
    message.split('\n').map((line) => line.replace(/; .*/, '')),
    [
      'yaml:1:4 a: environment variable "hello.world" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$',
      'yaml:2:8 b::1: scheme "foo" is not supported for uri "foo:bar"',
      'yaml:3:4 c: too many recursive expansions',
      `yaml:4:4 d: the uri "env:U:-$x" contains unsupported characters ('$')`,
      'yaml:5:4 e: unable to read the file file:/nope: open /nope: no such file or directory',
      'yaml:6:4 f: invalid uri: "ENDPOINT:-x"',
    ],
  )
})

test('a text that doubles for ever ends in an error', async () => {
  assert.match(await failure(load('a: ${A}', { env: { A: 'x${A}${B}', B: '${A}' } })), /too many recursive expansions/)
})

test('an unset variable is null and warned about', async () => {
  const tree = await loadConfig({ uris: ['yaml:a: ${U}'], env: {} })
  assert.deepEqual(toPlain(tree.root), { a: null })
  assert.match(tree.warnings[0]?.message ?? '', /unset environment variable "U"/)
  assert.deepEqual(tree.warnings[0]?.position, { source: 'yaml', line: 1, column: 4 })
})

test('sources merge: maps join, later wins, lists are replaced, null replaces, --set comes last', async () => {
  const cwd = folder({
    'a.yaml': 'p: {batch: {x: 1, y: 2}, other: }\nl: [1, 2]\nn: {k: 1}\ne: {k: 1}',
    'b.yaml': 'p: {batch: {y: 3}}\nl: [3]\nn:\ne: {}',
  })
  const tree = await loadConfig({
    uris: ['a.yaml', 'file:b.yaml', 'env:CFG'],
    sets: ['p.batch.x=9'],
    env: { CFG: 'p::batch::x: 5' },
    cwd,
  })
  assert.deepEqual(toPlain(tree.root), { p: { batch: { x: 9, y: 3 }, other: null }, l: [3], n: null, e: { k: 1 } })
  assert.deepEqual(tree.files, [path.join(cwd, 'a.yaml'), path.join(cwd, 'b.yaml')])
  assert.deepEqual(at(tree.root, 'p', 'batch', 'y')?.position, { source: 'b.yaml', line: 1, column: 16 })
  assert.equal(at(tree.root, 'p', 'batch', 'x')?.position.source, '--set')
})

test('sources that cannot be read are all told', async () => {
  const cwd = folder({})
  const message = await failure(loadConfig({ uris: ['nope.yaml', 'foo:bar', '.'], sets: ['abc'], env: {}, cwd }))
  assert.deepEqual(
    message.split('\n').map((line) => line.replace(/; .*/, '')),
    [
      'cannot retrieve the configuration: unable to read the file file:nope.yaml: open nope.yaml: no such file or directory',
      'unsupported scheme on URI "foo:bar"',
      'cannot retrieve the configuration: unable to read the file file:.: read .: is a directory',
      'invalid argument "abc" for "--set" flag: missing equal sign',
    ],
  )
  assert.equal(await failure(loadConfig({ uris: [] })), 'at least one config flag must be provided')
})

test('a configuration comes over HTTP', async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/c.yaml' ? 200 : 404
    response.end('a: 1')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  try {
    assert.deepEqual(toPlain((await loadConfig({ uris: [`${base}/c.yaml`] })).root), { a: 1 })
    assert.match(
      await failure(loadConfig({ uris: [`${base}/d.yaml`] })),
      /failed to load resource from uri "http.*d\.yaml". status code: 404/,
    )
  } finally {
    server.close()
  }
  assert.match(
    await failure(load('a: ${http://127.0.0.1:1/x}')),
    /unable to download the file via HTTP GET for uri "http:\/\/127\.0\.0\.1:1\/x"/,
  )
})

test('values of files keep their own places; those of variables stand where they are referred to', async () => {
  const cwd = folder({ 'c.yaml': 'a: ${file:part.yaml}\nb: ${env:MAP}', 'part.yaml': '\nx:\n  y: 1' })
  const { root } = await loadConfig({ uris: ['c.yaml'], env: { MAP: '{x: {y: 1}}' }, cwd })
  assert.deepEqual(at(root, 'a', 'x', 'y')?.position, { source: 'part.yaml', line: 3, column: 6 })
  assert.deepEqual(at(root, 'b', 'x', 'y')?.position, { source: 'c.yaml', line: 2, column: 4 })
})

test('the type casting vectors of upstream', async (t) => {
  const file = golden(t, 'confmap_vectors/type_casting.json')
  if (file === undefined) return
  interface Case {
    readonly env_or_inline_value: string
    readonly target: 'int' | 'bool' | 'string' | 'inlinestring' | 'slice' | 'map'
    readonly expected?: unknown
    readonly unmarshalErr?: string
    readonly resolveErr?: string
  }
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] }
  const targets = {
    int: z.int(),
    bool: z.boolean(),
    string: z.string(),
    inlinestring: z.string(),
    slice: z.array(z.unknown()),
    map: z.record(z.string(), z.unknown()),
  }
  assert.equal(cases.length, 43)
  for (const one of cases) {
    const name = `${one.env_or_inline_value} to ${one.target}`
    const yaml = one.target === 'inlinestring' ? 'field: "inline field with ${env:ENV} expansion"' : 'field: ${env:ENV}'
    const loading = loadConfig({
      uris: [`yaml:${yaml}`],
      env: { ENV: one.env_or_inline_value, ENV_VALUE: 'testreceiver' },
    })
    if (one.resolveErr !== undefined) {
      assert.ok((await failure(loading)).includes(one.resolveErr), name)
      continue
    }
    const problems = new Problems({ isChecked: true })
    const schema = fieldSchema(z.strictObject({ field: targets[one.target] }))
    const value = coerceSection((await loading).root, schema, [], '', problems)
    if (one.unmarshalErr === undefined) {
      problems.throwIfAny()
      const expected =
        typeof one.expected === 'string' && one.expected.startsWith('GO:[]any')
          ? ['filelog', 'windowseventlog/application']
          : one.expected
      assert.deepEqual(value['field'], expected, name)
    } else {
      assert.throws(
        () => problems.throwIfAny(),
        (error) => error instanceof Error && error.message.includes(one.unmarshalErr ?? ''),
        name,
      )
    }
  }
})

for (const [file, isEnabled] of [
  ['merge-append-scenarios.yaml', true],
  ['merge-append-scenarios-featuregate-disabled.yaml', false],
] as const) {
  test(`upstream's ${file}`, (t) => {
    const full = golden(t, `core_confmap/testdata/${file}`)
    if (full === undefined) return
    const parsed = parseYaml(readFileSync(full, 'utf8'), file)
    assert.ok('node' in parsed && parsed.node.kind === 'list')
    for (const scenario of parsed.node.items) {
      const configs = at(scenario, 'configs')
      assert.ok(configs?.kind === 'list')
      const maps = configs.items.map((one) => splitKeys(one as MapNode))
      const merged = maps.reduce((base, over) => merge(base, over, { appendLists: isEnabled }))
      const name = at(scenario, 'name')
      assert.deepEqual(
        toPlain(merged),
        toPlain(at(scenario, 'expected') as Node),
        name?.kind === 'scalar' ? String(name.value) : '',
      )
    }
  })
}

test("upstream's files with variables expand to those without", async (t) => {
  const all = golden(t, 'core_confmap/testdata/expand-with-all-env.yaml')
  const none = golden(t, 'core_confmap/testdata/expand-with-no-env.yaml')
  if (all === undefined || none === undefined) return
  const env = {
    EXTRA: 'some string',
    EXTRA_MAP_VALUE_1: 'some map value_1',
    EXTRA_MAP_VALUE_2: 'some map value_2',
    EXTRA_LIST_MAP_VALUE_1: 'some list map value_1',
    EXTRA_LIST_MAP_VALUE_2: 'some list map value_2',
    EXTRA_LIST_VALUE_1: 'some list value_1',
    EXTRA_LIST_VALUE_2: 'some list value_2',
  }
  const [left, right] = await Promise.all([loadConfig({ uris: [all], env }), loadConfig({ uris: [none], env })])
  assert.deepEqual(toPlain(left.root), toPlain(right.root))
})

test('the append gate is read by loadConfig', async () => {
  const uris = ['yaml:service: {extensions: [a]}', 'yaml:service: {extensions: [b, a]}']
  const gates = parseFeatureGates(['confmap.enableMergeAppendOption'])
  assert.deepEqual(toPlain((await loadConfig({ uris, gates })).root), { service: { extensions: ['a', 'b'] } })
  assert.deepEqual(toPlain((await loadConfig({ uris })).root), { service: { extensions: ['b', 'a'] } })
})
