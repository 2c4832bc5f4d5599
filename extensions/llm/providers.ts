/** One call by each provider's own client. */
import type { Question } from '../../pipeline/capability/language-model.ts'
import { NoAnswer } from '../../pipeline/capability/language-model.ts'
import type { Config } from './config.ts'

export interface Answer {
  readonly text: string
  /** Undefined where the server does not say. */
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
}
export type Ask = (question: Question, signal: AbortSignal) => Promise<Answer>

const maxAnswerBytes = 1_048_576

export async function providerOf(settings: Config): Promise<Ask> {
  return settings.provider === 'openai' ? openai(settings) : anthropic(settings)
}

async function openai({ model, api_key, base_url, timeout, max_retries }: Config): Promise<Ask> {
  const { default: OpenAI } = await import('openai')
  const client = new OpenAI({
    apiKey: api_key ?? 'none',
    baseURL: base_url ?? 'https://api.openai.com/v1',
    // Nothing is taken from the environment behind the back of whoever wrote the config.
    organization: null,
    project: null,
    timeout,
    maxRetries: max_retries,
    logLevel: 'off',
    fetch: bounded,
  })
  return async ({ instructions, text, maxTokens }, signal) => {
    // Local servers know the older name only.
    const limit = base_url === undefined ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }
    const { choices, usage } = await client.chat.completions.create(
      { model, messages: [{ role: 'system', content: instructions }, { role: 'user', content: text }], ...limit }, // biome-ignore format: one thing
      { signal },
    )
    const [choice] = (choices as typeof choices | undefined) ?? []
    const said = choice?.message?.content
    if (choice?.finish_reason === 'length') throw new NoAnswer('truncated', 'the answer is longer than it may be')
    if (choice?.finish_reason === 'content_filter' || choice?.message?.refusal)
      throw new NoAnswer('refused', 'the model does not answer that')
    if (typeof said !== 'string') throw new NoAnswer('bad_answer', 'the answer holds no text')
    return { text: said, inputTokens: usage?.prompt_tokens, outputTokens: usage?.completion_tokens }
  }
}

async function anthropic({ model, api_key, base_url, timeout, max_retries }: Config): Promise<Ask> {
  const { default: Anthropic } = await import('@anthropic-ai/sdk')
  const client = new Anthropic({
    apiKey: api_key ?? 'none',
    baseURL: base_url ?? 'https://api.anthropic.com',
    authToken: null,
    timeout,
    maxRetries: max_retries,
    logLevel: 'off',
    fetch: bounded,
  })
  return async ({ instructions, text, maxTokens }, signal) => {
    const { content, usage, stop_reason } = await client.messages.create(
      { model, max_tokens: maxTokens, system: instructions, messages: [{ role: 'user', content: text }] },
      { signal },
    )
    if (stop_reason === 'max_tokens') throw new NoAnswer('truncated', 'the answer is longer than it may be')
    if (stop_reason === 'refusal') throw new NoAnswer('refused', 'the model does not answer that')
    if (!Array.isArray(content)) throw new NoAnswer('bad_answer', 'the answer holds no text')
    const said = content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
    if (said === '') throw new NoAnswer('bad_answer', 'the answer holds no text')
    return { text: said, inputTokens: usage?.input_tokens, outputTokens: usage?.output_tokens }
  }
}

/** Answers end after a megabyte, and no redirect takes the key to another server. */
async function bounded(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, { ...init, redirect: 'error' })
  let bytes = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length
      if (bytes > maxAnswerBytes) controller.error(new Error(`the answer is larger than ${maxAnswerBytes} bytes`))
      else controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = answer
  return new Response(answer.body?.pipeThrough(limit) ?? null, { status, statusText, headers })
}
