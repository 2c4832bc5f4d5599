/** What `create plugin` writes for one kind of component. `type` is the component's type: snake_case. */
export interface Template {
  /** What the example does, as a sentence for the README. */
  readonly does: string
  readonly plugin: (type: string) => string
  readonly test: (type: string) => string
  /** Sections and pipelines; `service::plugins` is put before them. */
  readonly config: (type: string) => string
}
