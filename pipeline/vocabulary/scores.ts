/** Scores: what `anomaly` says of each entity, as gauges whose time is the end of the window that was judged. */

export const scores = {
  /** 0 to 1, for ranking and for eyes, by `detector`. */
  score: 'vigil.anomaly.score',
  /** Probability of something as strange by chance on a normal day, by `detector`; `fused` is the one to decide by. Absent while cold. */
  p: 'vigil.anomaly.p_value',
  /** 1 for each entity that is still being learned. */
  cold: 'vigil.anomaly.cold',
} as const

/** Only for entities whose fused p is below the `explain_below` of `anomaly`: what made it so, strongest first. By `feature`, `window`, `quantile`. */
export const explanations = {
  /** Share of the strangeness, 0 to 1. */
  contribution: 'vigil.anomaly.contribution',
  /** In the feature's own unit, as the metric's unit says. */
  observed: 'vigil.anomaly.observed',
  /** By `bound`: `lower`, `upper`: what 95 of 100 normal windows lie within. */
  expected: 'vigil.anomaly.expected',
  /** How many requests, lookups or readings the observed value was made of. */
  samples: 'vigil.anomaly.samples',
  /** Unix time in seconds at which it began, and how wrong that may be, one point each, without `feature`. */
  onset: 'vigil.anomaly.onset',
  onsetUncertainty: 'vigil.anomaly.onset_uncertainty',
} as const

export const scoreAttributes = {
  detector: 'detector',
  feature: 'feature',
  bound: 'bound',
} as const
export const fused = 'fused'
