/** The real Collector: built once from the Go module proxy, then taken from the cache. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'

export interface Oracle {
  readonly otelcol: string
  /** Absent where VIGIL_ORACLE names a Collector that has none beside it. */
  readonly telemetrygen: string | undefined
}

/** Says what to do about it; the command exits 2. */
export class NoOracle extends Error {}

const run = promisify(execFile)
const telemetrygenVersion = 'v0.161.0'
const buildTimeoutMs = 20 * 60_000
const coreManifest = join(import.meta.dirname, 'builder-config.yaml')
export const contribManifest = join(import.meta.dirname, 'contrib-builder-config.yaml')
const repository = resolve(import.meta.dirname, '../..')

interface Manifest {
  readonly dist: { readonly name: string; readonly version: string; readonly module: string }
  readonly [section: string]: unknown
}

export async function findOracle(say: (line: string) => void): Promise<Oracle> {
  const given = await givenIn('VIGIL_ORACLE')
  if (given !== undefined) {
    const beside = join(dirname(given), 'telemetrygen')
    return { otelcol: given, telemetrygen: (await exists(beside)) ? beside : undefined }
  }
  const folder = await cacheFolder(coreManifest, `telemetrygen ${telemetrygenVersion}\n`)
  const oracle = { otelcol: join(folder, 'otelcol'), telemetrygen: join(folder, 'telemetrygen') }
  await buildMissing(oracle.otelcol, (work, target) => buildCollector(coreManifest, work, target, say))
  await buildMissing(oracle.telemetrygen, (work, target) => buildTelemetrygen(work, target, say))
  return oracle
}

/** The real Collector with processors and connectors of the contrib repository. */
export async function findContribOracle(say: (line: string) => void): Promise<string> {
  const given = await givenIn('VIGIL_CONTRIB_ORACLE')
  if (given !== undefined) return given
  const otelcol = join(await cacheFolder(contribManifest, ''), 'otelcol-contrib')
  await buildMissing(otelcol, (work, target) => buildCollector(contribManifest, work, target, say))
  return otelcol
}

async function givenIn(variable: string): Promise<string | undefined> {
  const given = process.env[variable]
  if (!given) return undefined
  if (!(await exists(given))) throw new NoOracle(`${variable}=${given}: no such file. Unset it to build the Collector.`)
  return resolve(given)
}

async function cacheFolder(manifestFile: string, also: string): Promise<string> {
  const hash = createHash('sha256')
    .update(`${await readFile(manifestFile, 'utf8')}${also}`)
    .digest('hex')
  const cache = process.env['VIGIL_ORACLE_CACHE'] ?? join(repository, 'node_modules/.cache/vigil-oracle')
  return resolve(cache, hash.slice(0, 16))
}

async function buildMissing(target: string, build: (work: string, target: string) => Promise<void>): Promise<void> {
  if (await exists(target)) return
  await requireGo()
  await mkdir(dirname(target), { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'vigil-oracle-'))
  try {
    await build(work, target)
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr ?? String(cause)
    throw new NoOracle(
      `Could not build the Collector to compare with:\n${lastLines(output, 12)}\nThe Go module proxy must be reachable ` +
        '(see `go env GOPROXY`). Or set VIGIL_ORACLE, and VIGIL_CONTRIB_ORACLE, to an otelcol you have.',
      { cause },
    )
  } finally {
    // Go makes module folders read-only, but this one holds only sources and binaries.
    await rm(work, { recursive: true, force: true })
  }
}

async function requireGo(): Promise<void> {
  try {
    await run('go', ['version'])
  } catch (cause) {
    throw new NoOracle(
      'Go is not installed, and the Collector to compare with is built with it. Install Go 1.26 or newer, or set VIGIL_ORACLE.',
      { cause },
    )
  }
}

async function buildCollector(
  manifestFile: string,
  work: string,
  target: string,
  say: (line: string) => void,
): Promise<void> {
  const manifest = parse(await readFile(manifestFile, 'utf8')) as Manifest
  const { name, version, module } = manifest.dist
  say(`Building ${name} ${version} to compare with. This happens once and takes 2 to 8 minutes.`)
  const source = join(work, 'source')
  await mkdir(source)
  await goInstall(`go.opentelemetry.io/collector/cmd/builder@v${version}`, work)
  const only = ['--skip-get-modules', '--skip-compilation']
  await go(join(work, 'builder'), [...only, '--config', manifestFile, '--output-path', source], work)
  // The builder's own `go mod tidy` also wants what the modules' tests import, and the proxy does not serve all of it: hence -e.
  await go('go', ['mod', 'init', module], source)
  await go('go', ['mod', 'edit', ...requirements(manifest)], source)
  await go('go', ['mod', 'tidy', '-e'], source)
  await go('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', 'otelcol', '.'], source)
  await install(join(source, 'otelcol'), target)
}

async function buildTelemetrygen(work: string, target: string, say: (line: string) => void): Promise<void> {
  say(`Building telemetrygen ${telemetrygenVersion}.`)
  await goInstall(
    `github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@${telemetrygenVersion}`,
    work,
  )
  await install(join(work, 'telemetrygen'), target)
}

/** `-require=path@version` for every component of the manifest. */
function requirements(manifest: Manifest): string[] {
  return Object.values(manifest)
    .filter((section): section is { gomod: string }[] => Array.isArray(section))
    .flatMap((section) => section.map(({ gomod }) => `-require=${gomod.replace(' ', '@')}`))
}

function goInstall(what: string, folder: string): Promise<void> {
  return go('go', ['install', what], folder, { GOBIN: folder })
}

async function go(command: string, args: string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const options = { cwd: folder, env: { ...process.env, GOFLAGS: '-buildvcs=false', ...env } }
  await run(command, args, { ...options, timeout: buildTimeoutMs, maxBuffer: 64 << 20 })
}

/** Two builds at once each rename a whole file into place, so a reader never meets half of one. */
async function install(built: string, target: string): Promise<void> {
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}`)
  await copyFile(built, temporary)
  await rename(temporary, target)
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n')
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
