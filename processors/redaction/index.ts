import { defineProcessor } from '../../pipeline/component.ts'
import type { Editable, Span } from '../../pipeline/data/telemetry.ts'
import { EventDraft } from '../../pipeline/ottl/event-draft.ts'
import { config } from './config.ts'
import { Redaction } from './redact.ts'

export default defineProcessor({
  type: 'redaction',
  config,
  signals: { traces: 'beta', metrics: 'alpha', logs: 'alpha' },
  placement: 'each',
  create(settings) {
    const redaction = new Redaction(settings)
    const place = (of: { readonly attributes: Editable<Span>['attributes'] }) => redaction.attributes(of.attributes)
    return {
      traces: (batch) =>
        batch
          .editResources(place)
          .editScopes(place)
          .edit((span) => {
            redaction.attributes(span.attributes)
            redactEvents(span, redaction)
          }),
      metrics: (batch) => batch.editResources(place).editScopes(place).edit(place),
      logs: (batch) =>
        batch
          .editResources(place)
          .editScopes(place)
          .edit((record) => {
            redaction.attributes(record.attributes)
            const { body } = record
            const now = redaction.body(body, record.attributes)
            if (now !== body) record.body = now
          }),
    }
  },
})

function redactEvents(span: Editable<Span>, redaction: Redaction): void {
  const { events } = span
  if (events.length === 0) return
  const drafts = events.map((event) => new EventDraft(event))
  for (const { attributes } of drafts) redaction.attributes(attributes)
  if (drafts.some((draft, i) => draft.result !== events[i])) span.events = drafts.map(({ result }) => result)
}
