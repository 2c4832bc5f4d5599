/** What all detectors over many entities have in common. */

/** One row of `features` numbers for each entity in `entities`; NaN is a number that is missing. */
export interface EntityBatch {
  /** Slot of the entity of each row: 0 to the detector's capacity - 1; no slot twice in a batch. Who owns a slot is the caller's affair. */
  readonly entities: Int32Array
  /** Row-major, `entities.length * features`. */
  readonly values: Float64Array
}

/**
 * Score a tick first, then learn from it: `score` advances what a detector remembers of the immediate past (lags, moving averages), `update` changes what
 * it holds for normal. All throw `RangeError` on a slot or a shape that is not theirs, before anything changed.
 */
export interface Detector {
  readonly features: number
  readonly capacity: number
  /** Takes rows of the past in time order, a slot as often as it has rows, and makes the models from all rows so far. */
  fit(history: EntityBatch): void
  /** Writes a score for each row into `out`; higher is stranger, NaN while the entity is cold. */
  score(batch: EntityBatch, out: Float64Array): void
  /** Learns from the rows last scored; rows of weight 0 (an incident is open, an alarm) leave no trace. */
  update(batch: EntityBatch, weights: Float64Array): void
  /** Forgets an entity, so that its slot can serve another. */
  forget(entity: number): void
}

export function checkBatch(
  { features, capacity }: Pick<Detector, 'features' | 'capacity'>,
  { entities, values }: EntityBatch,
): void {
  if (values.length !== entities.length * features) {
    throw new RangeError(`${values.length} values are not ${entities.length} rows of ${features} features`)
  }
  for (const entity of entities) {
    if (entity < 0 || entity >= capacity)
      throw new RangeError(`entity slot ${entity} is not within 0 to ${capacity - 1}`)
  }
}
