/** Finds the template of each record and writes it on it. */

import { LogTemplates, type SavedLogTemplates } from '../../models/log-templates.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Editable, LogRecord, Logs } from '../../pipeline/data/telemetry.ts'
import { key } from '../../pipeline/data/value.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import { type Config, templateLimit } from './config.ts'
import { compileMasks, type Mask, type Masked } from './masks.ts'
import { type TextOf, textOf } from './text-of.ts'

export class Annotator {
  private readonly settings: Config
  private readonly textOf: TextOf
  private readonly mask: Mask | undefined
  private readonly delimiters: readonly string[]
  private readonly template: ReturnType<typeof key>
  private readonly id: ReturnType<typeof key> | undefined
  private readonly wildcards: ReturnType<typeof key> | undefined
  private readonly annotated: Counter
  private readonly unannotated: Counter
  private templates: LogTemplates
  private isWarm: boolean
  private isSeeded = false
  /** Whether anything came since the last `save`. */
  hasChanged = false

  constructor(settings: Config, { id, meter }: Context) {
    this.settings = settings
    // Upstream's name has upstream's attributes.
    const isDrain = id === 'drain' || id.startsWith('drain/')
    const { attribute, template_attribute, id_attribute = isDrain ? '' : 'log.template.id' } = settings
    this.textOf = textOf(attribute === '' ? undefined : key(attribute), settings.body_field)
    this.mask = compileMasks(settings)
    this.delimiters = settings.extra_delimiters.filter((one) => one !== '')
    this.template = key(template_attribute ?? (isDrain ? 'log.record.template' : 'log.template'))
    this.id = id_attribute === '' ? undefined : key(id_attribute)
    const wildcards =
      settings.wildcards_attribute ?? (isDrain ? 'log.record.template.wildcards' : 'log.template.parameters')
    this.wildcards = settings.emit_wildcards ? key(wildcards) : undefined
    this.templates = new LogTemplates(this.limits)
    this.isWarm = settings.warmup_min_clusters === 0
    const name = (rest: string) => `otelcol_processor_drain_${rest}`
    this.annotated = meter.counter(
      name('log_records_annotated'),
      'Number of log records successfully annotated with a template.',
    )
    this.unannotated = meter.counter(
      name('log_records_unannotated'),
      'Number of log records not annotated (no text, or warming up).',
    )
  }

  private get limits() {
    const { max_clusters, min_values } = this.settings
    return { maxTemplates: templateLimit(max_clusters), minValues: min_values }
  }

  get size(): number {
    return this.templates.size
  }
  get evicted(): number {
    return this.templates.evicted
  }

  /** Not after `restore`: what was learned knows the seeds. */
  seed(): void {
    if (this.isSeeded) return
    this.isSeeded = true
    for (const text of [...this.settings.seed_templates, ...this.settings.seed_logs])
      if (text.trim() !== '') this.templates.add(this.prepared(text, []))
  }

  /** Throws on what `save` did not write. */
  restore(saved: unknown): void {
    this.templates = LogTemplates.restored(saved, this.limits)
    this.isSeeded = true
  }

  save(): SavedLogTemplates {
    this.hasChanged = false
    return this.templates.save()
  }

  annotate(batch: Logs): Logs {
    let annotated = 0
    const result = batch.edit((record) => {
      if (this.annotateRecord(record)) annotated++
    })
    this.hasChanged ||= batch.count > 0
    if (annotated > 0) this.annotated.add(annotated)
    if (annotated < batch.count) this.unannotated.add(batch.count - annotated)
    return result
  }

  private annotateRecord(record: Editable<LogRecord>): boolean {
    const text = this.textOf(record)
    if (text === '') return false
    const masked: Masked[] = []
    const template = this.templates.add(this.prepared(text, masked))
    this.isWarm ||= this.templates.size >= this.settings.warmup_min_clusters
    if (!this.isWarm) return false
    const { attributes } = record
    attributes.set(this.template, template.text)
    if (this.id !== undefined) attributes.set(this.id, template.id)
    for (const { attribute, text: match } of masked) attributes.set(attribute, match)
    if (this.wildcards !== undefined) attributes.set(this.wildcards, this.templates.parameters(template))
    return true
  }

  private prepared(text: string, masked: Masked[]): string {
    let prepared = this.mask === undefined ? text : this.mask(text, masked)
    for (const delimiter of this.delimiters) prepared = prepared.replaceAll(delimiter, ' ')
    return prepared
  }
}
