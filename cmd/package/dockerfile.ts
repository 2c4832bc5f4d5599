/** Does what a Dockerfile says, without a container engine: as much of the language as examples/deploy/Dockerfile uses, and nothing else. */
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { newRoot, run, runInside } from './clean-machine.ts'

export interface Image {
  readonly root: string
  workdir: string
  user: string
  stopSignal: string
  readonly env: Record<string, string>
  readonly ports: number[]
  command: readonly string[]
}
type Stage = Image & { entrypoint: readonly string[]; arguments: readonly string[] }

export interface Instruction {
  readonly word: string
  readonly rest: string
}

/** Comments are left out, lines that end with a backslash go on. */
export function instructionsOf(dockerfile: string): readonly Instruction[] {
  const lines = dockerfile.split('\n').filter((line) => !/^\s*#/.test(line))
  const whole = lines.join('\n').replace(/\\\n/g, ' ')
  return whole
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^\s*(\w+)\s+(.*?)\s*$/.exec(line) ?? []
      return { word: word.toUpperCase(), rest }
    })
}

/** The image of the last stage. `context` is the folder that is built; new roots lie in `folder`. */
export function buildImage(dockerfile: string, context: string, folder: string): Image {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const instruction of instructionsOf(readFileSync(dockerfile, 'utf8'))) {
    if (instruction.word === 'FROM') {
      const [, image = '', name = `${stages.size}`] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(instruction.rest) ?? []
      if (image !== 'node:24-slim') throw new Error(`no image "${image}" can be had without a registry`)
      stage = newStage(folder)
      stages.set(name, stage)
    } else if (stage === undefined) throw new Error(`${instruction.word} before FROM`)
    else perform(instruction, stage, stages, context)
  }
  if (stage === undefined) throw new Error(`${dockerfile} says nothing`)
  return { ...stage, command: [...stage.entrypoint, ...stage.arguments] }
}

function newStage(folder: string): Stage {
  return {
    root: newRoot(folder),
    workdir: '/',
    user: '0:0',
    stopSignal: 'SIGTERM',
    env: {},
    ports: [],
    command: [],
    entrypoint: [],
    arguments: [],
  }
}

function perform({ word, rest }: Instruction, stage: Stage, stages: ReadonlyMap<string, Stage>, context: string): void {
  switch (word) {
    case 'WORKDIR':
      stage.workdir = resolve(stage.workdir, rest)
      mkdirSync(inside(stage, '.'), { recursive: true })
      return
    case 'COPY':
      copy(rest, stage, stages, context)
      return
    case 'RUN':
      runInside(stage.root, rest, { workdir: stage.workdir, env: stage.env })
      return
    case 'ENV':
      for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[name!] = value!
      return
    case 'USER':
      stage.user = rest
      return
    case 'EXPOSE':
      stage.ports.push(...rest.split(/\s+/).map(Number))
      return
    case 'STOPSIGNAL':
      stage.stopSignal = rest
      return
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(rest) as string[]
      return
    case 'CMD':
      stage.arguments = JSON.parse(rest) as string[]
      return
    default:
      throw new Error(`${word} is not known here`)
  }
}

function copy(rest: string, stage: Stage, stages: ReadonlyMap<string, Stage>, context: string): void {
  const words = rest.split(/\s+/)
  const [, from] = /^--from=(\S+)$/.exec(words[0] ?? '') ?? []
  if (from !== undefined) words.shift()
  const to = words.pop() ?? '.'
  for (const source of words) {
    if (from === undefined && source === '.') {
      copyContext(context, inside(stage, to))
      continue
    }
    const root = from === undefined ? context : stages.get(from)?.root
    if (root === undefined) throw new Error(`COPY from "${from}", which is no stage`)
    const path = join(root, source)
    const isInto = !statSync(path).isDirectory() && (to.endsWith('/') || to === '.')
    cpSync(path, isInto ? join(inside(stage, to), basename(source)) : inside(stage, to), {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
}

/** All but what .dockerignore names. */
function copyContext(context: string, to: string): void {
  const file = join(context, '.dockerignore')
  const ignored = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const patterns = ignored.filter((line) => line !== '' && !line.startsWith('#'))
  const special = patterns.find((pattern) => /[*?![\]]/.test(pattern))
  if (special !== undefined) throw new Error(`${file}: "${special}" is more than a name`)
  const archive = `${to}.tar`
  const excluded = patterns.map((pattern) => `--exclude=./${pattern}`)
  run('tar', '--create', '--file', archive, '--directory', context, ...excluded, '.')
  run('tar', '--extract', '--no-same-owner', '--file', archive, '--directory', to)
  run('rm', archive)
}

function inside({ root, workdir }: Stage, path: string): string {
  return join(root, isAbsolute(path) ? path : join(workdir, path))
}
