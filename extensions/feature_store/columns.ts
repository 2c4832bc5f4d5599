/** What the columns of history are: names with a number, how values join in a rollup, and in which tiers they are. */
import type { Attributes } from '../../pipeline/data/telemetry.ts'
import { featureText, marks, readFeature, type WindowName, windows } from '../../pipeline/vocabulary/features.ts'
import { tracePanes } from '../../pipeline/vocabulary/panes.ts'
import { scoreAttributes, scores } from '../../pipeline/vocabulary/scores.ts'
import { allTiers, type Fold, tiersOfWindow } from './tiers.ts'

export interface ColumnSpec {
  readonly text: string
  readonly fold: Fold
  readonly tiers: readonly boolean[]
  /** 0 = has no window; the others as `windowNumber` says. What a revision is about. */
  readonly window: number
}
export interface Column extends ColumnSpec {
  readonly number: number
}

/** There are a few hundred; whoever makes them up endlessly is refused. */
const maxColumns = 10_000

export class Columns {
  private readonly byText = new Map<string, Column>()
  private readonly byNumber: Column[] = []
  /** Columns not yet stored. */
  readonly fresh: Column[] = []

  get(text: string): Column | undefined {
    return this.byText.get(text)
  }

  at(number: number): Column | undefined {
    return this.byNumber[number]
  }

  /** Undefined when there is no room for one more. */
  intern(spec: ColumnSpec): Column | undefined {
    const known = this.byText.get(spec.text)
    if (known !== undefined) return known
    if (this.byNumber.length >= maxColumns) return undefined
    const column = { ...spec, number: this.byNumber.length }
    this.put(column)
    this.fresh.push(column)
    return column
  }

  /** One that was stored. */
  put(column: Column): void {
    this.byText.set(column.text, column)
    this.byNumber[column.number] = column
  }

  all(): readonly Column[] {
    return this.byNumber.filter((column) => column !== undefined)
  }
}

const windowNames = Object.keys(windows) as WindowName[]

export function windowNumber(name: unknown): number {
  return windowNames.indexOf(name as WindowName) + 1
}

/** Undefined for what is kept nowhere. */
export function columnOf(metric: string, point: Pick<Attributes, 'get'>, isEdge: boolean): ColumnSpec | undefined {
  const feature = readFeature(metric, point as Attributes)
  if (feature !== undefined)
    return {
      text: featureText(feature),
      fold: 'last',
      tiers: tiersOfWindow[feature.window],
      window: windowNumber(feature.window),
    }
  switch (metric) {
    case marks.completeness:
    case marks.sampled:
      return ofWindow(metric, point.get('window'))
    case marks.signalAge:
      return { text: named(metric, 'signal', point.get('signal')), fold: 'last', tiers: [true, true, false], window: 0 }
    case marks.versionAge:
    case scores.cold:
      return { text: metric, fold: 'last', tiers: [true, true, false], window: 0 }
    case scores.score:
      return ofDetector(metric, point, 'max')
    case scores.p:
      return ofDetector(metric, point, 'min')
    case tracePanes.requests:
    case tracePanes.errors:
    case tracePanes.sampled:
    case tracePanes.duration:
      return isEdge ? { text: metric, fold: 'sum', tiers: allTiers, window: 0 } : undefined
    default:
      return undefined
  }
}

function ofWindow(metric: string, window: unknown): ColumnSpec | undefined {
  const number = windowNumber(window)
  const name = windowNames[number - 1]
  if (name === undefined) return undefined
  return { text: named(metric, 'window', name), fold: 'last', tiers: tiersOfWindow[name], window: number }
}

function ofDetector(metric: string, point: Pick<Attributes, 'get'>, fold: Fold): ColumnSpec | undefined {
  const detector = point.get(scoreAttributes.detector)
  if (typeof detector !== 'string' || detector.length > 100) return undefined
  return { text: named(metric, scoreAttributes.detector, detector), fold, tiers: allTiers, window: 0 }
}

function named(metric: string, attribute: string, value: unknown): string {
  return `${metric}{${attribute}=${String(value)}}`
}
