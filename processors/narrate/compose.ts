/** The whole text. How sure it is and what each part of it is about stands there in words of ours, whoever wrote the parts. */
import type { Diagnosis, Verdict } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Language } from './lexicon.ts'
import { oneLine, type Section, type Statement, sections } from './statements.ts'

interface Frame {
  readonly verdicts: Readonly<Record<Verdict, string>>
  readonly sections: Readonly<Record<Section, string>>
  readonly noCause: string
  readonly advice: string
  readonly missing: string
}

const frames: Readonly<Record<Language, Frame>> = {
  en: {
    verdicts: { confirmed: 'Confirmed cause', likely: 'Likely cause', inconclusive: 'Inconclusive; first to look at' },
    sections: { cause: '', evidence: 'Evidence', ruled_out: 'Ruled out', affected: 'Affected' },
    noCause: 'No cause was found: nothing that was looked at stands out',
    advice: 'Recommended to a person',
    missing: 'Not looked at',
  },
  de: {
    verdicts: {
      confirmed: 'Bestätigte Ursache',
      likely: 'Wahrscheinliche Ursache',
      inconclusive: 'Nicht eindeutig; zuerst anzusehen',
    },
    sections: { cause: '', evidence: 'Belege', ruled_out: 'Ausgeschlossen', affected: 'Betroffen' },
    noCause: 'Es wurde keine Ursache gefunden: nichts Untersuchtes fällt auf',
    advice: 'Empfehlung an einen Menschen',
    missing: 'Nicht untersucht',
  },
}

/** `said` has texts by the statements' ids; those that it has not stand as they were computed. */
export function compose(
  diagnosis: Diagnosis,
  statements: readonly Statement[],
  language: Language,
  said: ReadonlyMap<string, string> = new Map(),
): string {
  const frame = frames[language]
  const lines = sections.flatMap((section) => {
    const texts = statements
      .filter((one) => one.section === section)
      .map(({ id, text }) => (said.get(id) ?? text).replace(/[.;,:\s]+$/, ''))
    if (texts.length === 0) return []
    const opening = section === 'cause' ? frame.verdicts[diagnosis.verdict] : frame.sections[section]
    return [`${opening}: ${texts.join('; ')}.`]
  })
  // A recommendation is not put into other words: a person may do as it says, to the letter.
  const { recommendation, missing } = diagnosis
  return [
    ...(diagnosis.causes.length === 0 ? [`${frame.noCause}.`] : []),
    ...lines,
    ...(recommendation === undefined ? [] : [`${frame.advice}: ${oneLine(recommendation)}`]),
    ...(missing.length === 0 ? [] : [`${frame.missing}: ${missing.slice(0, 3).map(oneLine).join('; ')}.`]),
  ].join('\n')
}
