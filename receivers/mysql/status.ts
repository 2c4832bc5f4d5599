/** What each variable of `SHOW GLOBAL STATUS` is: https://dev.mysql.com/doc/refman/8.4/en/server-status-variables.html */
import type { MetricName } from './metrics.ts'

interface Meaning {
  readonly metric: MetricName
  readonly attributes: readonly string[]
}

/** Metrics whose points are variables of one prefix: the attribute is the rest of the name, unless another name is given after the colon. */
const families: readonly (readonly [metric: MetricName, prefix: string, variables: string])[] = [
  ['mysql.client.network.io', 'Bytes_', 'received sent'],
  ['mysql.buffer_pool.pages', 'Innodb_buffer_pool_pages_', 'data free total misc'],
  [
    'mysql.buffer_pool.operations',
    'Innodb_buffer_pool_',
    'read_ahead_rnd read_ahead read_ahead_evicted read_requests reads wait_free write_requests',
  ],
  ['mysql.connection.errors', 'Connection_errors_', 'accept internal max_connections peer_address select tcpwrap'],
  ['mysql.connection.errors', '', 'Aborted_clients:aborted_clients Aborted_connects:aborted Locked_connects:locked'],
  ['mysql.prepared_statements', 'Com_stmt_', 'execute close fetch prepare reset send_long_data'],
  ['mysql.commands', 'Com_', 'delete delete_multi insert select update update_multi'],
  ['mysql.tmp_resources', 'Created_tmp_', 'disk_tables files tables'],
  [
    'mysql.handlers',
    'Handler_',
    'commit delete discover external_lock mrr_init prepare read_first read_key read_last read_next read_prev read_rnd read_rnd_next rollback savepoint savepoint_rollback update write',
  ],
  ['mysql.double_writes', 'Innodb_dblwr_', 'pages_written writes'],
  [
    'mysql.log_operations',
    'Innodb_',
    'log_waits:waits log_write_requests:write_requests log_writes:writes os_log_fsyncs:fsyncs',
  ],
  ['mysql.operations', 'Innodb_data_', 'fsyncs reads writes'],
  ['mysql.page_operations', 'Innodb_pages_', 'created read written'],
  ['mysql.row_locks', 'Innodb_row_lock_', 'waits time'],
  ['mysql.row_operations', 'Innodb_rows_', 'deleted inserted read updated'],
  ['mysql.locks', 'Table_locks_', 'immediate waited'],
  ['mysql.joins', 'Select_', 'full_join:full full_range_join:full_range range range_check scan'],
  ['mysql.table_open_cache', 'Table_open_cache_', 'hits:hit misses:miss overflows:overflow'],
  ['mysql.sorts', 'Sort_', 'merge_passes range rows scan'],
  ['mysql.threads', 'Threads_', 'cached connected created running'],
  ['mysql.opened_resources', 'Opened_', 'files:file tables:table table_definitions:table_definition'],
  ['mysql.mysqlx_worker_threads', 'Mysqlx_worker_threads', ':available _active:active'],
  ['mysql.mysqlx_connections', 'Mysqlx_connections_', 'accepted closed rejected'],
]
const single: Readonly<Record<string, MetricName>> = {
  Innodb_buffer_pool_pages_flushed: 'mysql.buffer_pool.page_flushes',
  Connections: 'mysql.connection.count',
  Max_used_connections: 'mysql.max_used_connections',
  Queries: 'mysql.query.count',
  Questions: 'mysql.query.client.count',
  Slow_queries: 'mysql.query.slow.count',
  Uptime: 'mysql.uptime',
  Innodb_page_size: 'mysql.page_size',
}

export const statusVariables: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...families.flatMap(([metric, prefix, variables]) =>
    variables.split(' ').map((one): [string, Meaning] => {
      const [variable = '', attribute = variable] = one.split(':')
      return [`${prefix}${variable}`, { metric, attributes: [attribute] }]
    }),
  ),
  ...Object.entries(single).map(([variable, metric]): [string, Meaning] => [variable, { metric, attributes: [] }]),
])
