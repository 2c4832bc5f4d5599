/**
 * Root causes against the labels of PetShop, RCD Sock Shop and Nezha: AC@k, the share of cases whose root is among the first k causes, and Avg@5, the mean of
 * AC@1 to AC@5 (Yu et al. 2021, MicroRank, and those after it). A cause is right when it is the entity of the label.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootstrap } from '../benchmark/statistics.ts'
import { Random } from '../simulate/world/random.ts'
import type { Evaluation, Table } from './evaluation.ts'
import type { Bars } from './plot.ts'

interface Prediction {
  readonly name: string
  readonly verdict: string
  /** The likeliest first. */
  readonly entities: readonly string[]
}

interface Label {
  /** Cases of one system are a row of the table. */
  readonly system: string
  readonly root: string
}

interface Scored {
  readonly name: string
  readonly system: string
  readonly root: string
  readonly verdict: string
  /** Of the root among the causes, from 1; infinite where it is not among them. */
  readonly rank: number
  /** Entities that were ranked. */
  readonly candidates: number
}

const verdicts = ['confirmed', 'likely', 'inconclusive'] as const
const resamples = 2_000
const mostMissed = 5

type LabelOf = (dir: string, name: string) => Promise<Label>

export const rootCauseEvaluations: readonly Evaluation[] = [
  evaluationOf('petshop', petshopLabel, []),
  evaluationOf('sockshop', sockshopLabel, [
    'The label is the service of the folder `<service>-<fault>`; figures named `<service>_<figure>` are of that service.',
  ]),
  evaluationOf('nezha', nezhaLabels(), ['The label is the service of the pod into which the fault was injected.']),
]

function evaluationOf(kind: string, labelOf: LabelOf, notes: readonly string[]): Evaluation {
  return {
    kind,
    async evaluate(predictions, labelsDir, progress) {
      const all = await readRootCauses(predictions)
      const scored: Scored[] = []
      for (const [i, one] of all.entries()) {
        progress(i, all.length)
        scored.push(score(one, await labelOf(labelsDir, one.name)))
      }
      progress(all.length, all.length)
      return [accuracyTable(kind, scored, notes), verdictTable(kind, scored)]
    },
  }
}

async function readRootCauses(lines: AsyncIterable<unknown>): Promise<Prediction[]> {
  const all = new Map<string, Prediction>()
  let number = 0
  for await (const line of lines) {
    number++
    const { case: name, verdict, causes } = (line ?? {}) as Record<string, unknown>
    if (typeof name !== 'string') throw new Error(`prediction ${number}: "case" is missing or not a text`)
    if (all.has(name)) throw new Error(`prediction ${number}: ${name} has one already`)
    if (typeof verdict !== 'string' || !verdicts.some((one) => one === verdict))
      throw new Error(
        `prediction ${number}: "verdict" is ${JSON.stringify(verdict)}, not one of ${verdicts.join(', ')}`,
      )
    if (!Array.isArray(causes)) throw new Error(`prediction ${number}: "causes" is missing or not a list`)
    const entities = causes.map((cause: unknown) => {
      const { entity } = (cause ?? {}) as Record<string, unknown>
      if (typeof entity !== 'string') throw new Error(`prediction ${number}: a cause has no "entity"`)
      return entity
    })
    // The same entity as another kind of cause is no second guess.
    all.set(name, { name, verdict, entities: [...new Set(entities)] })
  }
  if (all.size === 0) throw new Error('there are no predictions: write them with vigil predict')
  return [...all.values()]
}

function score({ name, verdict, entities }: Prediction, { system, root }: Label): Scored {
  const at = entities.indexOf(root)
  return { name, system, root, verdict, rank: at < 0 ? Number.POSITIVE_INFINITY : at + 1, candidates: entities.length }
}

export function accuracyAt(ranks: readonly number[], k: number): number {
  return ranks.filter((rank) => rank <= k).length / ranks.length
}

/** The mean of AC@1 to AC@5. */
export function averageAtFive(ranks: readonly number[]): number {
  return ranks.reduce((sum, rank) => sum + Math.max(0, 6 - rank), 0) / (5 * ranks.length)
}

/**
 * What a list of names is worth: each case is answered with the roots of all other cases of its system, the most frequent first; of equally frequent ones the worst order
 * counts.
 */
export function priorRanks(roots: readonly string[]): number[] {
  const counts = new Map<string, number>()
  for (const root of roots) counts.set(root, (counts.get(root) ?? 0) + 1)
  return roots.map((root) => {
    const own = counts.get(root)! - 1
    if (own === 0) return Number.POSITIVE_INFINITY
    return 1 + [...counts].filter(([other, count]) => other !== root && count >= own).length
  })
}

function accuracyTable(kind: string, scored: readonly Scored[], notes: readonly string[]): Table {
  const systems = [...Map.groupBy(scored, ({ system }) => system)].sort(([a], [b]) => (a < b ? -1 : 1))
  const groups: (readonly [string, readonly Scored[]])[] = [...systems]
  if (systems.length > 1) groups.push(['all', scored])
  const priors = (of: readonly Scored[]) =>
    [...Map.groupBy(of, ({ system }) => system).values()].flatMap((one) => priorRanks(one.map(({ root }) => root)))
  const rows = groups.flatMap(([system, of]) => {
    const ranks = of.map(({ rank }) => rank)
    const chance = (k: number) => of.reduce((sum, { candidates }) => sum + Math.min(1, k / candidates), 0) / of.length
    return [
      row(system, 'vigil', ranks),
      row(system, 'node prior', priors(of)),
      [
        system,
        'random',
        of.length,
        chance(1),
        '',
        chance(3),
        [1, 2, 3, 4, 5].reduce((sum, k) => sum + chance(k), 0) / 5,
      ],
    ]
  })
  return {
    title: `Root causes: ${kind}`,
    columns: ['system', 'ranked by', 'cases', 'AC@1', 'AC@1 95 %', 'AC@3', 'Avg@5'],
    rows,
    notes: [
      ...notes,
      'node prior: the most frequent roots of all other cases of the system, what a list of names would get. random: any order of what was ranked.',
      'In brackets the 95 % percentile bootstrap interval over cases.',
      missed(scored),
    ],
    plots: [bars(kind, groups)],
  }
}

function row(system: string, name: string, ranks: readonly number[]): (string | number)[] {
  const random = new Random(1, `${system} ${name}`)
  const { low, high } = bootstrap(ranks, (of) => accuracyAt(of, 1), { resamples, random: () => random.next() })
  const interval = `[${low.toFixed(2)}, ${high.toFixed(2)}]`
  return [system, name, ranks.length, accuracyAt(ranks, 1), interval, accuracyAt(ranks, 3), averageAtFive(ranks)]
}

function missed(scored: readonly Scored[]): string {
  const all = scored.filter(({ rank }) => rank > 1).sort((a, b) => b.rank - a.rank)
  if (all.length === 0) return 'No case was missed.'
  const told = all
    .slice(0, mostMissed)
    .map(({ name, root, rank }) => `${name} (${root}: ${Number.isFinite(rank) ? rank : 'not ranked'})`)
  const more = all.length > mostMissed ? `, and ${all.length - mostMissed} more` : ''
  return `Not first, the worst of them: ${told.join(', ')}${more}.`
}

function bars(kind: string, groups: readonly (readonly [string, readonly Scored[]])[]): Bars {
  const of = (k: number) =>
    groups.map(([, one]) =>
      accuracyAt(
        one.map(({ rank }) => rank),
        k,
      ),
    )
  return {
    kind: 'bars',
    title: `${kind}: root among the first`,
    names: groups.map(([system]) => system),
    series: [1, 3, 5].map((k) => ({ name: `AC@${k}`, values: of(k) })),
  }
}

/** Whether it knows what it knows: by verdict, and how right it is when it answers only where it is as sure as that. */
function verdictTable(kind: string, scored: readonly Scored[]): Table {
  let answered = 0
  let right = 0
  const rows = verdicts.map((verdict) => {
    const of = scored.filter((one) => one.verdict === verdict)
    const ofRight = of.filter(({ rank }) => rank === 1).length
    answered += of.length
    right += ofRight
    return [
      verdict,
      of.length,
      of.length === 0 ? null : ofRight / of.length,
      answered / scored.length,
      answered === 0 ? null : 1 - right / answered,
    ]
  })
  return {
    title: `Verdicts: ${kind}`,
    columns: ['verdict', 'cases', 'AC@1', 'coverage', 'risk'],
    rows,
    notes: [
      'coverage: the share of cases that are answered when those less sure are left open. risk: the share of these answers that are wrong.',
    ],
  }
}

async function petshopLabel(dir: string, name: string): Promise<Label> {
  const target = (await json(join(dir, name, 'target.json'), name)) as { root_cause?: { node?: unknown } }
  const root = target.root_cause?.node
  if (typeof root !== 'string') throw new Error(`${join(dir, name, 'target.json')} has no "root_cause" with a "node"`)
  return { system: name.slice(0, name.indexOf('/')), root }
}

async function sockshopLabel(_dir: string, name: string): Promise<Label> {
  const [, service] = /^([^/]+)-[^/-]+\//.exec(name) ?? []
  if (service === undefined)
    throw new Error(`${name} is no case of Sock Shop: its folder is called <service>-<fault>/<run>`)
  return { system: 'sockshop', root: service }
}

function nezhaLabels(): LabelOf {
  const files = new Map<string, Promise<Map<string, Label>>>()
  return async (dir, name) => {
    const labels = files.get(dir) ?? readNezha(dir)
    files.set(dir, labels)
    const label = (await labels).get(name)
    if (label === undefined)
      throw new Error(`${join(dir, 'cases.json')} has no case ${name} with "system" and "service"`)
    return label
  }
}

async function readNezha(dir: string): Promise<Map<string, Label>> {
  const file = join(dir, 'cases.json')
  const rows = (await json(file, 'the labels')) as Partial<Record<'case' | 'system' | 'service', unknown>>[]
  if (!Array.isArray(rows)) throw new Error(`${file} is not a list of cases`)
  return new Map(
    rows.flatMap(({ case: name, system, service }) =>
      typeof name === 'string' && typeof system === 'string' && typeof service === 'string'
        ? [[name, { system, root: service }] as const]
        : [],
    ),
  )
}

async function json(file: string, of: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new Error(`the label of ${of} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
