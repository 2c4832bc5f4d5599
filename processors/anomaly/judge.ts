/** Judges a tick: scores its rows in slices, says what is strange and why, and learns what is normal. */
import type { Judgements } from '../../pipeline/capability/judgements.ts'
import type { ServiceCatalog } from '../../pipeline/capability/service-catalog.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import type { Config } from './config.ts'
import type { Entities, Member } from './entities.ts'
import { explain } from './explain.ts'
import { detectors, places } from './score-names.ts'
import type { Senders } from './senders.ts'
import type { Group, Tick } from './ticks.ts'
import { Verdicts } from './verdicts.ts'

/** Entities between two looks at the clock. */
const sliceRows = 512
const windowNames = Object.keys(windows)
/** Datings cost a millisecond each: not more than so many a tick. */
const maxDatings = 50
/** The onset is dated anew while there is more to date it by. */
const datedTicks = 6
/** A version that is so old, seconds, explains a level that came with it. */
const versionAccepted = 1_800
/** No tail that was fitted to what was seen can know more. */
const leastP = 1e-12
/** -ln p at which the score is one half. */
const middleNats = 7
/** How often histories of single entities are given to those that matter most, and memory is held, in ticks. */
const reviewTicks = 60

export class Judge {
  readonly #settings: Config
  readonly #context: Context
  readonly #entities: Entities
  readonly #senders: Senders
  judgements: Judgements | undefined
  catalog: ServiceCatalog | undefined
  judged = 0
  shed = 0
  explained = 0
  #datings = 0
  #out = new Float64Array(sliceRows)
  #weights = new Float64Array(sliceRows)

  constructor(settings: Config, context: Context, entities: Entities, senders: Senders) {
    this.#settings = settings
    this.#context = context
    this.#entities = entities
    this.#senders = senders
  }

  /** Undefined where there is nothing to say. */
  async judge(tick: Tick): Promise<Metrics | undefined> {
    const { clock } = this.#context
    const verdicts = new Verdicts(tick.tick, tick.sender.origin, this.#entities.names.plan)
    const started = clock.nowMs()
    const slices = new Slices(clock)
    this.#datings = maxDatings
    if (tick.tick - tick.sender.reviewedAt >= reviewTicks) this.#review()
    for (const [importance, groups] of tick.byImportance.entries()) {
      for (const group of groups) {
        for (let from = 0; from < group.entities.length; from += sliceRows) {
          if (importance > 0 && clock.nowMs() - started > this.#settings.max_tick_time) {
            this.shed += group.entities.length - from
            break
          }
          this.#judgeSlice(tick, group, from, Math.min(group.entities.length, from + sliceRows), verdicts)
          if (slices.isOver) await slices.pause()
        }
      }
    }
    return verdicts.batch()
  }

  #judgeSlice(tick: Tick, group: Group, from: number, to: number, verdicts: Verdicts): void {
    const { ensemble, columns } = group.class
    const width = columns.length
    const batch = {
      entities: group.entities.subarray(from, to),
      values: group.values.subarray(from * width, to * width),
    }
    const members = group.members.slice(from, to)
    for (let i = 0; i < members.length; i++) this.#hidePoor(group, from + i, batch.values, i * width)
    ensemble.at({ tick: tick.tick, hour: Math.floor(tick.tick / 360), hourOfWeek: tick.hourOfWeek })
    const [out, weights] = [this.#out, this.#weights]
    ensemble.score(batch, out)
    for (const [i, member] of members.entries()) {
      const nats = out[i] as number
      weights[i] = 0
      // Forgotten while an earlier slice let other work in.
      if (member.slot < 0) continue
      if (!hasAny(batch.values, i * width, width)) continue
      weights[i] = this.#teaches(member, tick.tick) ? 1 : 0
      this.judged++
      member.recent.add(nats)
      if (Number.isNaN(nats)) {
        verdicts.add(member, places.cold, 1)
        continue
      }
      const p = Math.max(leastP, Math.exp(-nats))
      verdicts.add(member, places.score, nats / (nats + middleNats))
      verdicts.add(member, places.p, p)
      if (p >= this.#settings.explain_below) {
        member.onset = undefined
        continue
      }
      this.explained++
      const parts = ensemble.parts(i)
      for (const [k, detector] of detectors.entries())
        if (!Number.isNaN(parts[detector])) verdicts.add(member, places.ofDetector[k] as number, parts[detector])
      this.#date(member, tick.tick, verdicts)
      explain(
        ensemble.explain(batch, i),
        member,
        batch.values,
        i * width,
        this.#settings.max_explanations,
        group.seenShares[from + i] as number,
        verdicts,
      )
      this.#accept(member, tick.tick)
    }
    ensemble.update(batch, weights.subarray(0, batch.entities.length))
  }

  /** Windows of which too little was there become unknown: neither judged nor learned. */
  #hidePoor({ completeness, class: { columns } }: Group, row: number, values: Float64Array, offset: number): void {
    const least = this.#settings.min_completeness
    for (const [w, window] of windowNames.entries()) {
      if (!((completeness[row * windowNames.length + w] as number) < least)) continue
      for (const [j, { key }] of columns.entries()) if (key.window === window) values[offset + j] = Number.NaN
    }
  }

  /** While an incident is open nothing is learned; when it is open longer than `accept_after`, that is how things are. */
  #teaches(member: Member, tick: number): boolean {
    if (this.judgements === undefined) return true
    if (!this.judgements.isOpen(member.id, BigInt(tick) * 10_000_000_000n)) {
      member.openSince = Number.NaN
      return true
    }
    if (Number.isNaN(member.openSince)) member.openSince = tick
    if ((tick - member.openSince) * 10_000 < this.#settings.accept_after) return false
    member.class.ensemble.rebase(member.slot)
    member.openSince = Number.NaN
    return true
  }

  #date(member: Member, tick: number, verdicts: Verdicts): void {
    const isNew = member.onset === undefined
    if (isNew) member.onsetTick = tick
    if ((isNew || tick - member.onsetTick < datedTicks) && this.#datings > 0) {
      this.#datings--
      member.onset = member.recent.onset(tick * 10)
    }
    const onset = member.onset ?? { at: tick * 10 - 30, uncertainty: 60 }
    member.onset = onset
    verdicts.add(member, places.onset, onset.at)
    verdicts.add(member, places.onsetUncertainty, onset.uncertainty)
  }

  /** A person, or a new version that has been there for a while, says that this is normal. */
  #accept(member: Member, tick: number): void {
    const { ensemble, columns } = member.class
    const before = member.acceptedTick
    for (const { feature, sinceUnixNano } of this.judgements?.acceptances(member.id) ?? []) {
      const since = Number(sinceUnixNano / 10_000_000_000n)
      if (since <= before || since > tick) continue
      member.acceptedTick = Math.max(member.acceptedTick, since)
      if (feature === undefined) ensemble.rebase(member.slot)
      else for (const [j, { key }] of columns.entries()) if (key.name === feature) ensemble.rebase(member.slot, j)
    }
    const age = this.#versionAge(member)
    const since = ensemble.gatedSince(member.slot)
    const isOfVersion = age >= versionAccepted && since >= tick - age / 10 - 6
    if (isOfVersion && Number.isNaN(member.openSince)) ensemble.rebase(member.slot)
  }

  #versionAge(member: Member): number {
    const { entity, versionAge } = member
    if (!Number.isNaN(versionAge) || entity.service === '') return versionAge
    return this.#entities.serviceOf(member)?.versionAge ?? Number.NaN
  }

  /** Of all senders' entities: whoever's time comes first. */
  #review(): void {
    for (const sender of this.#senders.all()) sender.reviewedAt = sender.tick
    if (this.catalog !== undefined) {
      for (const member of this.#entities.all()) {
        const { tier, slos } = this.catalog.lookup(member.entity)
        member.tier = tier ?? 5
        member.hasSlo = slos !== undefined && slos.length > 0
      }
    }
    this.#entities.admitMostImportant(this.#settings.novelty_memory)
    this.#entities.holdMemory()
  }
}

function hasAny(values: Float64Array, offset: number, width: number): boolean {
  for (let j = 0; j < width; j++) if (!Number.isNaN(values[offset + j])) return true
  return false
}
