/** What is asked. The performance schema: https://dev.mysql.com/doc/refman/8.4/en/performance-schema.html; MariaDB has most of it. */
import type { Query } from '../../pipeline/sql/answer.ts'
import { isMySqlSince, type Version } from './version.ts'

/** Statements that begin so are none of the users': samples do not show them. Upstream's receiver marks its own so too. */
const mark = '/* otel-collector-ignore */'

export const globalStatus: Query = { name: 'global_status', sql: 'SHOW GLOBAL STATUS' }
export const bufferPoolSize: Query = {
  name: 'buffer_pool_size',
  sql: "SELECT count AS size FROM information_schema.innodb_metrics WHERE name = 'buffer_pool_size'",
}
export const tables: Query = {
  name: 'tables',
  sql: `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, coalesce(TABLE_ROWS, 0) AS table_rows, coalesce(AVG_ROW_LENGTH, 0) AS row_length,
    coalesce(DATA_LENGTH, 0) AS data, coalesce(INDEX_LENGTH, 0) AS indexes
    FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ('information_schema', 'sys')`,
}

export const ioOperations = ['delete', 'fetch', 'insert', 'update']
const counted = (kinds: readonly string[]) => kinds.map((kind) => `COUNT_${kind.toUpperCase()} AS count_${kind}`)
/** Timers count picoseconds. */
const timed = (kinds: readonly string[]) =>
  kinds.map((kind) => `floor(SUM_TIMER_${kind.toUpperCase()} / 1000) AS time_${kind}`)
const io = [...counted(ioOperations), ...timed(ioOperations)].join(', ')

export const tableWaits: Query = {
  name: 'table_io_waits',
  sql: `SELECT OBJECT_SCHEMA AS \`schema\`, OBJECT_NAME AS \`table\`, ${io}
    FROM performance_schema.table_io_waits_summary_by_table WHERE OBJECT_SCHEMA NOT IN ('mysql', 'performance_schema')`,
}
export const indexWaits: Query = {
  name: 'index_io_waits',
  sql: `SELECT OBJECT_SCHEMA AS \`schema\`, OBJECT_NAME AS \`table\`, ifnull(INDEX_NAME, 'NONE') AS \`index\`, ${io}
    FROM performance_schema.table_io_waits_summary_by_index_usage WHERE OBJECT_SCHEMA NOT IN ('mysql', 'performance_schema')`,
}

export const readLocks = ['normal', 'with_shared_locks', 'high_priority', 'no_insert', 'external']
export const writeLocks = ['allow_write', 'concurrent_insert', 'low_priority', 'normal', 'external']
const lockColumns = [...readLocks.map((kind) => `read_${kind}`), ...writeLocks.map((kind) => `write_${kind}`)]
export const lockWaits: Query = {
  name: 'table_lock_waits',
  sql: `SELECT OBJECT_SCHEMA AS \`schema\`, OBJECT_NAME AS \`table\`, ${[...counted(lockColumns), ...timed(lockColumns)].join(', ')}
    FROM performance_schema.table_lock_waits_summary_by_table
    WHERE OBJECT_SCHEMA NOT IN ('mysql', 'performance_schema', 'information_schema')`,
}

export const statementKinds: Readonly<Record<string, string>> = {
  SUM_CREATED_TMP_DISK_TABLES: 'created_tmp_disk_tables',
  SUM_CREATED_TMP_TABLES: 'created_tmp_tables',
  SUM_ERRORS: 'errors',
  SUM_NO_INDEX_USED: 'no_index_used',
  SUM_ROWS_AFFECTED: 'rows_affected',
  SUM_ROWS_EXAMINED: 'rows_examined',
  SUM_ROWS_SENT: 'rows_sent',
  SUM_SORT_MERGE_PASSES: 'sort_merge_passes',
  SUM_SORT_ROWS: 'sort_rows',
  SUM_WARNINGS: 'warnings',
}
export const statements = (textLimit: number, limit: number, seconds: number): Query => ({
  name: 'statement_events',
  sql: `SELECT SCHEMA_NAME AS \`schema\`, DIGEST AS digest, left(DIGEST_TEXT, ${textLimit}) AS digest_text,
    floor(SUM_TIMER_WAIT / 1000) AS wait_time, ${Object.keys(statementKinds).join(', ')}
    FROM performance_schema.events_statements_summary_by_digest
    WHERE SCHEMA_NAME NOT IN ('mysql', 'performance_schema', 'information_schema')
      AND LAST_SEEN > date_sub(now(), INTERVAL ${seconds} SECOND) ORDER BY SUM_TIMER_WAIT DESC LIMIT ${limit}`,
})

export const replicas = (version: Version): Query => ({
  name: 'replica_status',
  sql: isMySqlSince(version, [8, 0, 22]) ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS',
})

/** Only newer ones keep a statement with its values, which is what can be explained. */
export const hasSampleText = (version: Version) => isMySqlSince(version, [8, 0, 3])

export const topQueries = (version: Version, limit: number, seconds: number): Query => ({
  name: 'top_queries',
  sql: `${mark} SELECT coalesce(SCHEMA_NAME, '') AS \`schema\`, coalesce(DIGEST, '') AS digest, coalesce(DIGEST_TEXT, '') AS digest_text,
    COUNT_STAR AS count_star, SUM_TIMER_WAIT AS sum_timer_wait, ${hasSampleText(version) ? 'QUERY_SAMPLE_TEXT' : "''"} AS sample_text
    FROM performance_schema.events_statements_summary_by_digest
    WHERE LAST_SEEN >= now() - INTERVAL ${seconds} SECOND AND (DIGEST_TEXT NOT LIKE 'EXPLAIN %' OR DIGEST_TEXT IS NULL)
    ORDER BY COUNT_STAR DESC LIMIT ${limit}`,
})

/** A thread may wait for several things, one within another: the innermost counts. */
export const querySamples = (version: Version, limit: number): Query => {
  const hasPort = isMySqlSince(version, [8, 0, 22])
  return {
    name: 'query_samples',
    sql: `${mark} SELECT t.PROCESSLIST_ID AS session_id, t.THREAD_ID AS thread_id, coalesce(t.PROCESSLIST_USER, '') AS user,
    coalesce(${hasPort ? 'p.HOST, ' : ''}t.PROCESSLIST_HOST, '') AS host, coalesce(t.PROCESSLIST_DB, '') AS db,
    coalesce(t.PROCESSLIST_COMMAND, '') AS command, coalesce(t.PROCESSLIST_STATE, '') AS state,
    coalesce(s.DIGEST_TEXT, s.SQL_TEXT, t.PROCESSLIST_INFO, '') AS digest_text,
    coalesce(s.SQL_TEXT, t.PROCESSLIST_INFO, '') AS sql_text, coalesce(s.DIGEST, '') AS digest,
    coalesce(w.EVENT_ID, s.EVENT_ID, 0) AS event_id,
    CASE WHEN w.THREAD_ID IS NOT NULL AND w.END_EVENT_ID IS NULL THEN 'waiting'
      WHEN s.THREAD_ID IS NOT NULL AND coalesce(s.SQL_TEXT, t.PROCESSLIST_INFO) <> '' THEN 'running' ELSE 'other' END AS session_status,
    CASE WHEN w.THREAD_ID IS NULL THEN 'other' WHEN t.PROCESSLIST_STATE = 'User sleep' THEN 'User sleep'
      WHEN w.EVENT_ID = w.END_EVENT_ID THEN 'CPU' ELSE coalesce(w.EVENT_NAME, 'CPU') END AS wait_event,
    coalesce(w.TIMER_WAIT / 1e12,
      CASE WHEN w.END_EVENT_ID IS NULL AND w.TIMER_START IS NOT NULL AND s.TIMER_START IS NOT NULL AND s.TIMER_WAIT > 0
        THEN greatest((s.TIMER_START + s.TIMER_WAIT - w.TIMER_START) / 1e12, 0) END,
      CASE WHEN w.THREAD_ID IS NOT NULL AND w.END_EVENT_ID IS NULL THEN cast(t.PROCESSLIST_TIME AS DECIMAL(20, 6)) END, 0) AS wait_time,
    coalesce(s.TIMER_WAIT / 1e12, t.PROCESSLIST_TIME, 0) AS statement_time,
    coalesce(convert(v.VARIABLE_VALUE USING utf8mb4), '') AS traceparent
    FROM performance_schema.threads t
    LEFT JOIN performance_schema.events_statements_current s ON s.THREAD_ID = t.THREAD_ID
    LEFT JOIN performance_schema.events_waits_current w ON w.THREAD_ID = t.THREAD_ID
    LEFT JOIN performance_schema.user_variables_by_thread v ON v.THREAD_ID = t.THREAD_ID AND v.VARIABLE_NAME = 'traceparent'
    ${hasPort ? 'LEFT JOIN performance_schema.processlist p ON p.ID = t.PROCESSLIST_ID' : ''}
    WHERE t.PROCESSLIST_STATE IS NOT NULL AND t.PROCESSLIST_COMMAND NOT IN ('Sleep', 'Daemon') AND t.PROCESSLIST_ID <> connection_id()
      AND coalesce(w.EVENT_NAME, '') <> 'idle' AND coalesce(w.OPERATION, '') <> 'idle'
      AND (w.EVENT_ID IS NULL OR w.EVENT_ID =
        (SELECT max(i.EVENT_ID) FROM performance_schema.events_waits_current i WHERE i.THREAD_ID = t.THREAD_ID))
      AND coalesce(s.SQL_TEXT, t.PROCESSLIST_INFO, '') <> '' AND coalesce(s.SQL_TEXT, t.PROCESSLIST_INFO) NOT LIKE '${mark}%'
    LIMIT ${limit}`,
  }
}
