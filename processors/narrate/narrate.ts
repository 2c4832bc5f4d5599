/** A diagnosis in sentences: a model's where there is one and its answer stands the check, else those that rules make. */
import { type LanguageModel, NoAnswer } from '../../pipeline/capability/language-model.ts'
import type { Diagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Narrative } from '../../pipeline/vocabulary/narrative.ts'
import { question } from './ask.ts'
import { check } from './check.ts'
import { compose } from './compose.ts'
import { mayBeRephrased, type Statement, statementsOf, type Wording } from './statements.ts'

/** Never rejects; waits no longer than until `signal` is aborted. */
export async function narrate(
  diagnosis: Diagnosis,
  model: LanguageModel | undefined,
  wording: Wording,
  signal: AbortSignal,
): Promise<Narrative> {
  const { language } = wording
  const statements = statementsOf(diagnosis, wording)
  const byRules = (reason: string): Narrative => ({
    text: compose(diagnosis, statements, language),
    language,
    by: 'rules',
    reason,
  })
  if (model === undefined) return byRules('no_model')
  const asked = statements.filter(mayBeRephrased)
  if (asked.length === 0) return byRules('nothing_to_say')
  let answer: string
  try {
    answer = await untilAborted(model.answer(question(asked, language), signal), signal)
  } catch (error) {
    return byRules(reasonOf(error, signal))
  }
  const checked = check(answer, asked, namesOf(diagnosis, statements), language)
  if ('refused' in checked) return byRules(`refused_${checked.refused}`)
  return { text: compose(diagnosis, statements, language, checked.texts), language, by: 'model' }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return (signal.reason as Error).name === 'TimeoutError' ? 'timeout' : 'stopped'
  return error instanceof NoAnswer ? error.reason : 'failed'
}

/** Words that name something here may not be written as words. */
function namesOf({ causes, ruled_out, affected }: Diagnosis, statements: readonly Statement[]): ReadonlySet<string> {
  const entities = [
    ...causes.flatMap((cause) => [cause.entity, ...cause.path]),
    ...ruled_out.map((one) => one.entity),
    ...affected.map((one) => one.operation),
  ]
  const marked = statements.flatMap((one) => [...one.marked].filter(([mark]) => mark.startsWith('[e')))
  return new Set(
    [...entities.flatMap((one) => [one.name, one.service]), ...marked.map(([, text]) => text)].map((name) =>
      name.toLowerCase(),
    ),
  )
}

/** A model that ignores the signal is left behind. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    work.then(resolve, reject)
  })
}
