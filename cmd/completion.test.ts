import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testFolder } from '../pipeline/testing/test-folder.ts'
import { runProgram } from './in-process.fixture.ts'

const folder = testFolder('completion')

async function vigil(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(argv)
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
}
/** What is offered behind these words, the last of which is being written; without the descriptions. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const lines = (await vigil('__complete', '--', ...words)).trimEnd().split('\n')
  return lines.map((line) => line.split('\t')[0] ?? '')
}

suite('completion', () => {
  test('offers what fits where the cursor stands', async () => {
    const cases: [words: readonly string[], offers: readonly string[]][] = [
      [['vali'], ['validate', ':4']],
      [['--conf'], ['--config', ':4']],
      [['--config', ''], [':0']],
      [
        ['--config', 'a.yaml', 'valid'],
        ['validate', ':4'],
      ],
      [['--config=a'], [':0']],
      [
        ['validate', '--plug'],
        ['--plugin', ':4'],
      ],
      [
        ['create', ''],
        ['plugin', 'help', ':4'],
      ],
      [
        ['create', 'plugin', 'x', '--kind', 'e'],
        ['exporter', 'extension', ':4'],
      ],
      [
        ['create', 'plugin', 'x', '--kind=re'],
        ['--kind=receiver', ':4'],
      ],
      // As bash takes it apart.
      [
        ['create', 'plugin', 'x', '--kind', '=', 're'],
        ['receiver', ':4'],
      ],
      [
        ['create', 'plugin', 'x', '--kind', '=', 'receiver', '--k'],
        ['--kind', ':4'],
      ],
      [['plugin', 'test', ''], [':0']],
      [
        ['completion', 'p'],
        ['powershell', ':4'],
      ],
      [['nonsense', 'x'], [':4']],
    ]
    for (const [words, offers] of cases) assert.deepEqual(await offered(...words), offers, words.join(' '))
    assert.ok((await offered('')).includes('print-config'))
    assert.ok(!(await offered('')).includes('__complete'))
    assert.match(await vigil('__complete', '--new-word', '--', 'create'), /^plugin\tWrites a component/)
  })

  test('every shell has its script', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell'])
      assert.match(await vigil('completion', shell), new RegExp(`^#(compdef vigil\n#)? ?${shell} completion for vigil`))
  })
})

/** `vigil` on the PATH, as it is installed. */
function installed(): Readonly<Record<string, string | undefined>> {
  const path = join(folder, 'vigil')
  const program = fileURLToPath(new URL('./main.ts', import.meta.url))
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
  chmodSync(path, 0o755)
  return { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` }
}
function inShell(shell: string, script: string): string | undefined {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return execFileSync(shell, ['-c', script], { env: installed(), encoding: 'utf8' })
}

suite('in the shell', () => {
  test('bash completes commands, flags and their values', (t) => {
    const out = inShell(
      'bash',
      `source <(vigil completion bash)
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vigil; echo "\${COMPREPLY[*]}"; }
      try vigil val
      try vigil validate --feat
      try vigil create plugin x --kind = pro
      try vigil --config ''
      complete -p vigil`,
    )
    if (out === undefined) return t.skip('there is no bash here')
    assert.equal(out, 'validate\n--feature-gates\nprocessor\n\ncomplete -o default -F _vigil vigil\n')
  })

  test('fish completes commands, flags and their values', (t) => {
    const out = inShell(
      'fish',
      'vigil completion fish | source; complete -C "vigil val"; complete -C "vigil create plugin x --kind=pro"',
    )
    if (out === undefined) return t.skip('there is no fish here')
    assert.match(out, /^validate\tValidates/m)
    assert.match(out, /^--kind=processor$/m)
  })

  test('zsh takes the script', (t) => {
    const out = inShell(
      'zsh',
      `_describe() { print -l -- "\${(@P)\${@[-1]}}" }
      compdef() { print "compdef $*" }
      source <(vigil completion zsh)
      words=(vigil create plugin x --kind=pro); CURRENT=5; _vigil
      words=(vigil val); CURRENT=2; _vigil`,
    )
    if (out === undefined) return t.skip('there is no zsh here')
    assert.match(out, /^compdef _vigil vigil\n--kind=processor\nvalidate:Validates the config/)
  })
})
