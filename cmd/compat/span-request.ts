/** The smallest OTLP trace request: one span with ids and a name. */
const traceIdField = Buffer.from([0x0a, 16, ...new Uint8Array(16).fill(1)])
const spanIdField = Buffer.from([0x12, 8, ...new Uint8Array(8).fill(2)])

export function spanRequest(name = Buffer.from('n')): Buffer {
  const span = Buffer.concat([traceIdField, spanIdField, lengthDelimited(0x2a, name)])
  return requestOf(span)
}

export function requestOf(span: Buffer): Buffer {
  // ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans, ScopeSpans.spans
  return lengthDelimited(0x0a, lengthDelimited(0x12, lengthDelimited(0x12, span)))
}

/** Only for bodies below 128 bytes, whose length is one byte. */
function lengthDelimited(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, body.length]), body])
}

/** Upstream writes a partial success without fields where Vigil writes none: to a client both say that all went well. */
export function withoutEmptySuccess(response: Buffer): Buffer {
  return response.equals(Buffer.from([0x0a, 0x00])) ? Buffer.alloc(0) : response
}
