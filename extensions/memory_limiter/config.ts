import { memoryLimiterKeys } from '../../pipeline/telemetry/memory-limiter-keys.ts'

export const config = memoryLimiterKeys
