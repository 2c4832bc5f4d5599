import type { LogRecord, Logs } from '../../pipeline/data/telemetry.ts'
import { isDouble, key } from '../../pipeline/data/value.ts'
import { asText } from '../../pipeline/ottl/values.ts'
import { mostRandom, randomnessOf, thresholdFor, thresholdOf, tValueOf } from '../../pipeline/sampling/threshold.ts'
import type { Config } from './config.ts'
import { hashBytes, hashHex, randomnessOfHash } from './hash.ts'
import { type Carried, carriedRandomness, type Decision, isRaised, type Randomness, type Sampler } from './sampler.ts'
import { hasId, w3cRandomness } from './traces.ts'

const thresholdKey = key('sampling.threshold')
const randomnessKey = key('sampling.randomness')

interface Written {
  readonly rValue: string | undefined
  /** Empty = the attribute goes. */
  readonly tValue: string | undefined
}

/** The records that are kept, each with the threshold by which it was. */
export function sampleLogs(
  batch: Logs,
  settings: Config,
  sampler: Sampler,
  seed: number,
  onDecision: (decision: Decision) => void,
): Logs {
  const written: Written[] = []
  const kept = batch.filter((record) => {
    const carried = carriedBy(record)
    const randomness = randomnessFor(record, carried, settings, sampler, seed)
    const before = carried?.tValue ?? ''
    const decision = sampler.decide({ carried, randomness, wanted: priorityOf(record, settings) })
    onDecision(decision)
    if (decision.isSampled) written.push(outcome(decision, before, sampler, randomness))
    return decision.isSampled
  })
  let at = 0
  return kept.edit(({ attributes }) => {
    const { rValue, tValue } = written[at++]!
    if (rValue !== undefined) attributes.set(randomnessKey, rValue)
    if (tValue === '') attributes.delete(thresholdKey)
    else if (tValue !== undefined) attributes.set(thresholdKey, tValue)
  })
}

function outcome(
  { carried, threshold }: Decision,
  before: string,
  sampler: Sampler,
  randomness: Randomness | undefined,
): Written {
  if (carried === undefined) return { rValue: undefined, tValue: undefined }
  const rValue = sampler.mode === 'hash_seed' ? randomness?.value : undefined
  if (isRaised(carried.tValue, threshold)) return { rValue, tValue: tValueOf(threshold) }
  return { rValue, tValue: carried.tValue === before ? undefined : carried.tValue }
}

/** Undefined where one of the attributes is not valid. */
function carriedBy({ attributes }: LogRecord): Carried | undefined {
  const tValue = attributes.get(thresholdKey)
  const rValue = attributes.get(randomnessKey)
  const carried = {
    tValue: typeof tValue === 'string' ? tValue : '',
    rValue: typeof rValue === 'string' ? rValue : '',
  }
  if (carried.tValue !== '' && thresholdOf(carried.tValue) === undefined) return undefined
  return carried.rValue !== '' && randomnessOf(carried.rValue) === undefined ? undefined : carried
}

function randomnessFor(
  record: LogRecord,
  carried: Carried | undefined,
  settings: Config,
  sampler: Sampler,
  seed: number,
): Randomness | undefined {
  if (sampler.mode === 'never') return { value: mostRandom, policy: 'sampling_priority' }
  if (sampler.mode === 'consistent')
    return carried === undefined ? undefined : (carriedRandomness(carried) ?? w3cRandomness(record.traceId))
  if (settings.attribute_source === 'traceID' && hasId(record.traceId))
    return { value: randomnessOfHash(hashHex(seed, record.traceId)), policy: 'trace_id_hash' }
  if (settings.from_attribute === '') return undefined
  const value = record.attributes.get(settings.from_attribute)
  if (value === undefined) return undefined
  const bytes = value instanceof Uint8Array ? value : Buffer.from(asText(value))
  if (bytes.length === 0) return undefined
  return { value: randomnessOfHash(hashBytes(seed, bytes)), policy: settings.from_attribute }
}

/** Of a log record it is a percentage, and a request to be kept with that probability. */
function priorityOf({ attributes }: LogRecord, settings: Config): string | undefined {
  if (settings.sampling_priority === '') return undefined
  const value = attributes.get(settings.sampling_priority)
  const percentage = isDouble(value) ? value.double : value
  if (typeof percentage !== 'number' && typeof percentage !== 'bigint') return undefined
  return thresholdFor(Number(percentage) / 100, settings.sampling_precision)
}
