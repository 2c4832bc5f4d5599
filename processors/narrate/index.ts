/** Diagnoses in sentences. What is no diagnosis goes on at once: nobody is told later for it. */
import { type LanguageModel, languageModel } from '../../pipeline/capability/language-model.ts'
import { type Context, defineProcessor } from '../../pipeline/component.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import {
  type Diagnosis,
  diagnosisName,
  narrativeAttribute,
  readDiagnosis,
} from '../../pipeline/vocabulary/diagnosis.ts'
import { fieldValue } from '../../pipeline/vocabulary/fields.ts'
import type { Narrative } from '../../pipeline/vocabulary/narrative.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { type Config, config } from './config.ts'
import { narrate } from './narrate.ts'

export default defineProcessor({
  type: 'narrate',
  config,
  signals: { logs: 'alpha' },
  create: (settings, context) => new Narrate(settings, context),
})

class Narrate {
  readonly #settings: Config
  readonly #context: Context
  readonly #time: LocalTime
  readonly #texts
  readonly #ending = new AbortController()
  #model: LanguageModel | undefined
  #waiting = 0

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#time = new LocalTime(settings.time_zone)
    this.#texts = context.meter.counter(
      'otelcol_processor_narrate_texts',
      'Diagnoses in sentences, by whose sentences they are, and why those of rules.',
    )
  }

  async start(): Promise<void> {
    const { llm } = this.#settings
    if (llm === undefined) return
    try {
      this.#model = this.#context.extension(languageModel, llm)
    } catch (cause) {
      throw new Error(`no language model "${llm}": add ${llm} to extensions and to service::extensions`, { cause })
    }
  }

  async logs(batch: Logs): Promise<Logs> {
    const diagnoses: (Diagnosis | undefined)[] = []
    let others = 0
    for (const record of batch) {
      if (record.eventName !== diagnosisName) others++
      else diagnoses.push(readDiagnosis(record))
    }
    if (diagnoses.length === 0) return batch
    let told = batch
    if (others > 0) {
      await this.#context.emit.logs(batch.filter((record) => record.eventName !== diagnosisName))
      told = batch.filter((record) => record.eventName === diagnosisName, 'drop')
    }
    const { timeout } = this.#settings
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), this.#ending.signal, this.#context.signal])
    const narratives = await Promise.all(diagnoses.map(async (one) => one && (await this.#narrative(one, signal))))
    let i = 0
    return told.edit((record) => {
      const narrative = narratives[i++]
      const value = narrative && fieldValue(narrative)
      if (value !== undefined) record.attributes.set(narrativeAttribute, value)
    })
  }

  async shutdown(): Promise<void> {
    this.#ending.abort(new Error('shut down'))
  }

  async #narrative(diagnosis: Diagnosis, signal: AbortSignal): Promise<Narrative> {
    const wording = { language: this.#settings.language, time: this.#time }
    const isFull = this.#model !== undefined && this.#waiting >= this.#settings.max_waiting
    this.#waiting++
    try {
      const found = await narrate(diagnosis, isFull ? undefined : this.#model, wording, signal)
      const narrative = isFull ? { ...found, reason: 'busy' } : found
      const { by, reason } = narrative
      this.#texts.add(1, reason === undefined ? { by } : { by, reason })
      return narrative
    } finally {
      this.#waiting--
    }
  }
}
