/** Machines that have nothing of ours, in folders of this one: a small Debian each, run by systemd-nspawn with a network of its own. Needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/** Debian's packages are fetched once; remove the folder to have them anew. */
const cache = '/var/tmp/vigil-clean-machine'
const suite = 'bookworm'
const main = join(import.meta.dirname, '../main.ts')
/** Else systemd-nspawn has a /tmp of its own each time. */
const nspawnEnv = { ...process.env, SYSTEMD_NSPAWN_TMPFS_TMP: '0' }

/** Why no clean machine can be had here; false when one can. */
export function noMachines(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a clean machine needs root on Linux'
  const tools = ['debootstrap', 'systemd-nspawn', 'nsenter', 'tar', 'npm']
  const missing = tools.filter((tool) => run('sh', '-c', `command -v ${tool} || true`) === '')
  return (
    missing.length > 0 && `not installed here: ${missing.join(', ')}; apt-get install debootstrap systemd-container`
  )
}

/** What it printed. Throws with that when it fails. */
export function run(command: string, ...args: readonly string[]): string {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  return execFileSync(command, args, { encoding: 'utf8', stdio: [...stdio], maxBuffer: 64 << 20, env: nspawnEnv })
}

/** The files of a new machine: Debian's smallest set and these packages, Node and its npm in /usr/local as in the image `node:24-slim`. */
export function newRoot(folder: string, packages: readonly string[] = []): string {
  const root = mkdtempSync(join(folder, 'root-'))
  run('cp', '--archive', '--reflink=auto', `${baseRoot()}/.`, root)
  if (packages.length > 0)
    runInside(root, `apt-get update -qq && apt-get install -qq --no-install-recommends ${packages.join(' ')}`)
  return root
}

/** `sh -c` in those files, with the network of this machine. */
export function runInside(root: string, script: string, { workdir = '/', env = {} as NodeJS.ProcessEnv } = {}): string {
  const passed = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'npm_config_registry']
  const own: NodeJS.ProcessEnv = { DEBIAN_FRONTEND: 'noninteractive' }
  for (const name of passed) if (process.env[name] !== undefined) own[name] = process.env[name]
  const flags: string[] = []
  const authorities = process.env['NODE_EXTRA_CA_CERTS']
  if (authorities !== undefined) {
    own['NODE_EXTRA_CA_CERTS'] = '/run/authorities.pem'
    flags.push(`--bind-ro=${authorities}:/run/authorities.pem`)
  }
  const variables = Object.entries({ ...own, ...env }).map(([name, value]) => `--setenv=${name}=${value}`)
  const nspawn = [...commonFlags(root), '--pipe', '--as-pid2', `--chdir=${workdir}`, ...flags, ...variables]
  return run('systemd-nspawn', ...nspawn, '/bin/sh', '-c', script)
}

function commonFlags(root: string): string[] {
  const name = `--machine=vigil-${process.pid}-${basename(root).replace(/[^\w]/g, '')}`
  const flags = ['--quiet', `--directory=${root}`, name, '--register=no']
  return existsSync('/run/systemd/system') ? flags : [...flags, '--keep-unit']
}

function baseRoot(): string {
  const base = join(cache, suite)
  if (existsSync(base)) return base
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'new-'))
  const root = join(fresh, 'root')
  run('debootstrap', '--variant=minbase', suite, root)
  cpSync(process.execPath, join(root, 'usr/local/bin/node'))
  const npm = join(root, 'usr/local/lib/node_modules/npm')
  mkdirSync(npm, { recursive: true })
  const packed = run('npm', 'pack', 'npm@11', '--silent', '--pack-destination', fresh).trim()
  run('tar', '--extract', '--file', join(fresh, packed), '--strip-components=1', '--directory', npm)
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
  renameSync(root, base)
  rmSync(fresh, { recursive: true })
  return base
}

/** A running one. It hears nobody but those who enter its network. */
export class Machine {
  /** What it wrote, on both streams. */
  output = ''
  private readonly child: ChildProcess

  private constructor(child: ChildProcess) {
    this.child = child
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
  }

  /** `flags` of systemd-nspawn, and the command behind them. */
  static start(root: string, ...flags: readonly string[]): Machine {
    const args = [...commonFlags(root), '--console=pipe', '--private-network', ...flags]
    return new Machine(spawn('systemd-nspawn', args, { stdio: ['ignore', 'pipe', 'pipe'], env: nspawnEnv }))
  }

  /** Its first process, by the number that it has outside. */
  get leader(): number {
    const { pid } = this.child
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0])
  }

  /** A command inside of it. */
  run(command: string, ...args: readonly string[]): string {
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup']
    return run('nsenter', `--target=${this.leader}`, ...namespaces, '--', command, ...args)
  }

  /** The answer to GET http://127.0.0.1... in its network. */
  get(portAndPath: string): { status: number; body: string } {
    const program = `const r = await fetch(process.argv[1]); console.log(JSON.stringify({ status: r.status, body: await r.text() }))`
    const evaluated = ['--input-type=module', '--eval', program, `http://127.0.0.1${portAndPath}`]
    return JSON.parse(this.inNetwork(process.execPath, ...evaluated)) as { status: number; body: string }
  }

  /** `vigil generate` of this checkout against it; the summary. */
  generate(...args: readonly string[]): { accepted: number } {
    return JSON.parse(
      this.inNetwork(process.execPath, main, 'generate', ...args, '--insecure', '--output', 'json'),
    ) as { accepted: number }
  }

  private inNetwork(...command: readonly string[]): string {
    return run('nsenter', `--target=${this.leader}`, '--net', '--', ...command)
  }

  /** Until `isSo` is, or says what it wrote. */
  async until(what: string, isSo: () => boolean, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      if (isSo()) return
      if (this.child.exitCode !== null || Date.now() > deadline) throw new Error(`never ${what}:\n${this.output}`)
      await setTimeout(100)
    }
  }

  /** The exit code, after `signal` to its first process. */
  async stop(signal: NodeJS.Signals | number = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode
    const exited = once(this.child, 'exit')
    process.kill(this.leader, signal)
    const late = AbortSignal.timeout(60_000)
    late.addEventListener('abort', () => this.child.kill('SIGKILL'))
    await exited
    return this.child.exitCode
  }
}
