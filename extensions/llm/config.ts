import { z } from 'zod'
import { duration, list, secret } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    provider: z.enum(['openai', 'anthropic']).describe('Whose interface it speaks; most local servers speak `openai`.'),
    model: z.string().min(1).describe('The model, as the provider calls it.'),
    api_key: secret().optional().describe('The key, as `${env:OPENAI_API_KEY}`. A local server may want none.'),
    base_url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Another server that speaks the interface: Ollama, vLLM, llama.cpp, a gateway.'),
    timeout: duration().default(8_000).describe('An answer that takes longer, retries counted, is given up.'),
    max_retries: z.int().min(0).max(5).default(1).describe('How often a call is tried again within the time-out.'),
    max_concurrent: z.int().min(1).max(64).default(2).describe('Calls at once; one more is refused.'),
    rest: duration()
      .default(30_000)
      .describe('After a call that failed or took too long, nobody is asked for so long.'),
    budget: z
      .strictObject({
        calls_per_hour: z.int().min(0).max(10_000).default(60).describe('Calls within any hour.'),
        calls_per_day: z.int().min(0).max(10_000).default(300).describe('Calls within any 24 hours.'),
        tokens_per_hour: z.int().min(0).default(200_000).describe('Tokens, asked and answered, within any hour.'),
        tokens_per_day: z.int().min(0).default(1_000_000).describe('Tokens, asked and answered, within any 24 hours.'),
      })
      .prefault({})
      .describe('What may be spent; beyond it nobody is asked.'),
    redact_ips: z.boolean().default(false).describe('Takes IP addresses out of what is asked.'),
    redact: list(z.string()).default([]).describe('Regular expressions of what else is taken out of what is asked.'),
  })
  .superRefine((settings, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (settings.timeout <= 0) problem(['timeout'], 'timeout must be greater than 0')
    if (settings.base_url === undefined && !settings.api_key)
      problem(['api_key'], 'api_key is missing: write ${env:NAME_OF_YOUR_VARIABLE}, or the base_url of a local server')
    for (const [i, pattern] of settings.redact.entries()) {
      try {
        new RegExp(pattern, 'gu')
      } catch (error) {
        problem(['redact', i], (error as Error).message)
      }
    }
  })
export type Config = z.output<typeof config>
