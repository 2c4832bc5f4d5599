/** Collects what is wrong, so that a user hears of all of it at once, in the order of the file. */
import { ConfigError, type ConfigProblem, type Position } from './config.ts'

export type Path = readonly (string | number)[]

export class Problems {
  readonly warnings: ConfigProblem[] = []
  readonly #found: ConfigProblem[] = []
  readonly #leftOut: string[] = []
  readonly #isChecked: boolean

  /** Without checks only what cannot be decoded is a problem. */
  constructor({ isChecked }: { readonly isChecked: boolean }) {
    this.#isChecked = isChecked
  }

  add(path: Path, message: string, position: Position | undefined): void {
    this.#found.push({ path: path.join('::'), message, position })
  }
  /** Of a config that decodes and still cannot be meant. */
  check(path: Path, message: string, position: Position | undefined): void {
    if (this.#isChecked) this.add(path, message, position)
  }
  /** A value that has a problem and that later checks do not see. */
  leaveOut(path: Path): void {
    this.#leftOut.push(path.join('::'))
  }
  warn(path: Path, message: string, position: Position | undefined): void {
    this.warnings.push({ path: path.join('::'), message, position })
  }
  get count(): number {
    return this.#found.length
  }
  /** Whether a value was left out here, inside or around: what a later check says of this place is not to be trusted. */
  isUncertain(path: Path): boolean {
    const text = path.join('::')
    return this.#leftOut.some((out) => out === text || out.startsWith(`${text}::`) || text.startsWith(`${out}::`))
  }
  throwIfAny(): void {
    if (this.#found.length > 0) throw new ConfigError(inFileOrder(this.#found))
  }
}

/** By source in order of appearance, then by place; what has no place comes last. Equal ones once. */
export function inFileOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const sources = [...new Set(problems.flatMap(({ position }) => position?.source ?? []))]
  const rank = ({ position }: ConfigProblem) => (position ? sources.indexOf(position.source) : sources.length)
  const once = new Map(
    problems.map((p) => [`${rank(p)}:${p.position?.line}:${p.position?.column}:${p.path}:${p.message}`, p]),
  )
  return [...once.values()].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
      (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )
}
