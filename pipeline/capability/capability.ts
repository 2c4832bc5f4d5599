/** The name of something that an extension offers. One constant a capability, in a file of this folder, so that components never import each other. */
export interface Capability<T> {
  readonly name: string
  /** Never set; it carries the type. */
  readonly offers?: T
}

export function capability<T>(name: string): Capability<T> {
  return { name }
}
