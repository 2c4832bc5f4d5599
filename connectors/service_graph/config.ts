import { z } from 'zod'
import { duration, list } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    latency_histogram_buckets: list(duration())
      .optional()
      .describe(
        'The upper bounds of the latency histograms; 2, 4, 6, 8, 10, 50, 100, 200, 400, 800 ms, 1, 1.4, 2, 5, 10, 15 s, when left out.',
      ),
    exponential_histogram_max_size: z
      .int32()
      .default(0)
      .describe('Makes exponential histograms of at most so many buckets instead; 0 = does not.'),
    dimensions: list(z.string())
      .default([])
      .describe('Attributes of resources or spans that become `client_<name>` and `server_<name>`.'),
    store: z
      .strictObject({
        max_items: z
          .int()
          .default(1000)
          .describe('How many edges may wait for their other span; spans beyond are not counted.'),
        ttl: duration().default(2_000).describe('How long an edge waits.'),
      })
      .prefault({})
      .describe('Where edges wait for their other span.'),
    cache_loop: duration()
      .default(60_000)
      .describe('How often series are forgotten that no edge came to for 15 minutes; 0 is 1m.'),
    store_expiration_loop: duration()
      .default(2_000)
      .describe('How often edges are looked for that waited too long; 0 is 2s.'),
    virtual_node_peer_attributes: list(z.string())
      .default(['peer.service', 'db.name', 'db.system'])
      .describe(
        'Attributes of a client span that name a server of which no span came, the first wins; none = no virtual nodes.',
      ),
    virtual_node_extra_label: z
      .boolean()
      .default(false)
      .describe('Adds `virtual_node`, which says which side of an edge is virtual: `client`, `server` or neither.'),
    metrics_flush_interval: duration().default(60_000).describe('How often metrics are sent; 0 = whenever spans came.'),
    database_name_attributes: list(z.string())
      .default(['db.name'])
      .describe(
        'Attributes of a client span that name a database, the first wins: the edge then waits for no server span.',
      ),
    metrics_timestamp_offset: duration().default(0).describe('Metrics are dated so long ago.'),
    max_series: z
      .int()
      .min(1)
      .default(20_000)
      .describe('How many series there may be; edges beyond are counted in one with `otel.metric.overflow`. Ours.'),
    weigh_by_sampling: z
      .boolean()
      .default(false)
      .describe('Counts an edge as often as the tracestate of its spans says that it stands for. Ours.'),
  })
  .superRefine(({ latency_histogram_buckets: buckets, exponential_histogram_max_size: maxSize }, context) => {
    const problem = (message: string) =>
      context.addIssue({ code: 'custom', message, path: ['exponential_histogram_max_size'] })
    if (buckets === undefined && maxSize < 0) problem('`exponential_histogram_max_size` can not be negative')
    if (buckets !== undefined && maxSize > 0)
      problem('use either `latency_histogram_buckets` or `exponential_histogram_max_size`')
  })
