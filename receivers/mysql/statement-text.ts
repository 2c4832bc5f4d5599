/** Statements and plans without their values, as upstream's receiver writes them. */
import { obfuscateSql } from '../../pipeline/sql/obfuscate.ts'
import { obfuscatePlan } from '../../pipeline/sql/obfuscate-plan.ts'
import { SqlError } from '../../pipeline/sql/tokens.ts'

/** Empty for what cannot be read: better no text than somebody's values. */
export function statementText(statement: string): string {
  try {
    return obfuscateSql(statement, 'mysql')
  } catch (error) {
    if (error instanceof SqlError) return ''
    throw error
  }
}

export function planText(json: string): string {
  return obfuscatePlan(json, { dialect: 'mysql', keepAliases: false, sql: conditions, keep: harmless })
}

/** Statements that EXPLAIN takes and that never are run by it. */
export function isExplainable(statement: string): boolean {
  return /^(?:\s|--[^\n]*\n|#[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:select|delete|insert|replace|update)/i.test(statement)
}

const conditions = new Set(['query', 'condition', 'operation', 'attached_condition'])
/** Keys of a plan whose values are numbers, names and kinds, in both formats of MySQL's plans. */
const harmless = new Set([
  'cost_info',
  'ordering_operation',
  'query_block',
  'query_plan',
  'query_type',
  'select_id',
  'table',
  'used_columns',
  'using_filesort',
  'access_type',
  'covering',
  'estimated_rows',
  'estimated_total_cost',
  'filter_columns',
  'index_access_type',
  'index_name',
  'inputs',
  'json_schema_version',
  'limit',
  'limit_offset',
  'per_chunk_limit',
  'ranges',
  'row_ids',
  'schema_name',
  'sort_fields',
  'table_name',
])
