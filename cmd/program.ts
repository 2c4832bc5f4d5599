/** The command line: `vigil --config file` runs, the rest are commands of their own. */
import { Command, Option } from 'commander'
import type { FeatureGates } from '../pipeline/config/feature-gates.ts'
import { build } from '../pipeline/engine/build.ts'
import { listenForTime } from '../pipeline/engine/told-clock.ts'
import { checkGraph } from '../pipeline/graph/check.ts'
import type { PoolOptions } from '../pipeline/workers/pool.ts'
import { register as registerBenchmark } from './benchmark.ts'
import { register as registerBundle } from './bundle.ts'
import { loadCatalog } from './catalog.ts'
import { type CommandContext, type ConfigFlags, decodeFlags, execute, type Output, withConfigFlags } from './command.ts'
import { register as registerCompletion } from './completion.ts'
import { register as registerComponents } from './components.ts'
import { register as registerCreate } from './create.ts'
import { register as registerEvaluate } from './evaluate.ts'
import { register as registerFeaturegate } from './featuregate.ts'
import { register as registerGenerate } from './generate.ts'
import { register as registerIncidents } from './incidents.ts'
import { register as registerNote } from './note.ts'
import { register as registerPlugin } from './plugin.ts'
import { register as registerPredict } from './predict.ts'
import { register as registerPrintConfig } from './print-config.ts'
import { run } from './run.ts'
import { register as registerSchema } from './schema.ts'
import { register as registerSimulate } from './simulate.ts'
import { register as registerValidate } from './validate.ts'
import type { WorkerData } from './worker.ts'

export interface World {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
}

interface RunFlags extends ConfigFlags {
  readonly workers: number
  readonly watch?: true
  readonly clock: 'wall' | 'told'
  readonly shutdownTimeout: number
}

/** Runs one command line and gives its exit code. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const context: CommandContext = {
    ...world,
    build,
    catalog: loadCatalog,
    checkGraph: (config) => checkGraph(config, build),
  }
  const program = new Command(build.command)
    .enablePositionalOptions()
    .description(build.description)
    .version(`${build.command} version ${build.version}`, '-v, --version')
  withConfigFlags(program)
    .option('--watch', 'reload when a file of the configuration changes, as SIGHUP does')
    .option('--shutdown-timeout <seconds>', 'how long queues may empty themselves at shutdown', seconds, 30)
    .option(
      '--workers <n>',
      'threads that receive, and run what keeps no state; 1 = everything in one thread',
      threads,
      1,
    )
    .addOption(
      new Option('--clock <how>', 'wall, or told: by the parent process, for what is played faster than it happened')
        .choices(['wall', 'told'])
        .default('wall')
        .hideHelp(),
    )
    .action((flags: RunFlags) => runEngine(flags, context))
  for (const register of [
    registerBenchmark,
    registerBundle,
    registerCompletion,
    registerComponents,
    registerCreate,
    registerEvaluate,
    registerFeaturegate,
    registerGenerate,
    registerIncidents,
    registerNote,
    registerPlugin,
    registerPredict,
    registerPrintConfig,
    registerSchema,
    registerSimulate,
    registerValidate,
  ]) {
    register(program, context)
  }
  return execute(program, argv, context)
}

async function runEngine(flags: RunFlags, context: CommandContext): Promise<void> {
  if (flags.clock === 'told' && flags.workers > 1)
    throw new Error('--clock told works with one thread only: leave --workers out')
  let gates: FeatureGates | undefined
  const readConfig = async () => {
    const decoded = await decodeFlags(flags, context)
    gates ??= decoded.gates
    const ofGates = decoded.gates.warnings.map((message) => ({ path: '', message, position: undefined }))
    return { ...decoded.config, warnings: [...ofGates, ...decoded.config.warnings] }
  }
  await run({
    build,
    readConfig,
    get featureGates() {
      return gates?.all().map(({ id, enabled, stage, description }) => ({ id, enabled, stage, description })) ?? []
    },
    ...(flags.workers > 1 ? { workers: workerPool(flags) } : {}),
    ...(flags.clock === 'told' ? { time: listenForTime() } : {}),
    watch: flags.watch ?? false,
    shutdownTimeoutMs: flags.shutdownTimeout * 1000,
  })
}

function workerPool({ workers, featureGates, plugin }: RunFlags): PoolOptions {
  const workerData: WorkerData = { featureGates, plugin }
  return { count: workers, entry: new URL('./worker.ts', import.meta.url), workerData }
}

function threads(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 256) return value
  throw new Error(`invalid argument "${text}" for "--workers" flag: write a number of threads, 1 to 256`)
}

function seconds(text: string): number {
  const value = Number(text.replace(/s$/, ''))
  if (Number.isFinite(value) && value >= 0) return value
  throw new Error(`invalid argument "${text}" for "--shutdown-timeout" flag: write seconds, like 30`)
}
