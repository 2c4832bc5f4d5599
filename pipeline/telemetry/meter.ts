/** The engine's own metrics: what a component may count. `registry.ts` implements it. Names carry the `otelcol_` prefix themselves. */
export interface Labels {
  readonly [name: string]: string
}
export interface Counter {
  add(n: number, labels?: Labels): void
}
export interface Histogram {
  record(value: number, labels?: Labels): void
}
export interface Meter {
  /** Monotonic sum. The same name gives the same series. */
  counter(name: string, description?: string): Counter
  /** Goes up and down by what is added. */
  upDownCounter(name: string, description?: string): Counter
  /** Read when somebody looks. Unregistered when the component stops. */
  gauge(name: string, read: () => number, labels?: Labels, description?: string): void
  /** A monotonic sum that is read when somebody looks. */
  observedCounter(name: string, read: () => number, labels?: Labels, description?: string): void
  histogram(name: string, bounds: readonly number[], description?: string): Histogram
}
