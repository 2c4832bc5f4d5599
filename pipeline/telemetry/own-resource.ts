/** Who the engine says it is in its own telemetry. */
export interface OwnResource {
  readonly attributes: Readonly<Record<string, string>>
  /** Name and version of the instrumentation scope. */
  readonly scope: string
  readonly version: string
}
