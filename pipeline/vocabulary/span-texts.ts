/** What spans say of who does what to whom, by old and new semantic conventions. */

/** What a span says, each from the first of these attributes that it has. */
export const spanTexts = {
  route: ['http.route'],
  method: ['http.request.method', 'http.method'],
  httpStatus: ['http.response.status_code', 'http.status_code'],
  system: ['db.system.name', 'db.system'],
  namespace: ['db.namespace', 'db.name'],
  summary: ['db.query.summary'],
  statement: ['db.query.text', 'db.statement'],
  dbOperation: ['db.operation.name', 'db.operation'],
  collection: ['db.collection.name', 'db.sql.table', 'db.mongodb.collection', 'db.cassandra.table'],
  messagingSystem: ['messaging.system'],
  destination: ['messaging.destination.template', 'messaging.destination.name', 'messaging.destination'],
  messagingOperation: ['messaging.operation.type', 'messaging.operation'],
  peerService: ['peer.service'],
  address: ['server.address', 'net.peer.name', 'net.sock.peer.name', 'net.peer.ip', 'http.host'],
  port: ['server.port', 'net.peer.port'],
} as const satisfies Readonly<Record<string, readonly string[]>>
export type SpanText = keyof typeof spanTexts
