/** What `slo` says of budgets, as gauges whose time is the end of the window; the resource and entity attributes are those of the entity. */

export const sloMetrics = {
  /** 1, by `window`: how many times faster than it may the budget is spent. Absent for a window without data. */
  burnRate: 'vigil.slo.burn_rate',
  /** 1, by `window`: share of what was counted that was bad. Absent for a window without data. */
  badRatio: 'vigil.slo.bad.ratio',
  /** 1: share of the budget of the whole time window that is left; below 0 when more than all is spent. */
  budgetRemaining: 'vigil.slo.budget.remaining',
  /** 1: the share that must be good. */
  target: 'vigil.slo.target',
  /** s: event time since there was anything to count. */
  dataAge: 'vigil.slo.data.age',
} as const

export const sloAttributes = {
  /** Of each gauge; events have it as `vigil.anomaly.slo`. */
  name: 'vigil.slo.name',
  window: 'window',
} as const
