/** Joins pipelines of one signal: what ends in it goes on in every pipeline that starts with it. */
import { defineConnector } from '../../pipeline/component.ts'
import { config } from './config.ts'

export default defineConnector({
  type: 'forward',
  config,
  signals: {
    'traces to traces': 'beta',
    'metrics to metrics': 'beta',
    'logs to logs': 'beta',
    'profiles to profiles': 'alpha',
  },
  placement: 'each',
  create: (_config, { emit }) => ({
    traces: (batch) => emit.traces(batch),
    metrics: (batch) => emit.metrics(batch),
    logs: (batch) => emit.logs(batch),
    profiles: (batch) => emit.profiles(batch),
  }),
})
