/** A child of the benchmark: the far end. Told what to be by its arguments, answers `counts` with what came so far. */
import type { GeneratedSignal } from '../generate/payloads.ts'
import { startSink } from './sink-server.ts'

const [signal, protocol] = process.argv.slice(2) as [GeneratedSignal, 'grpc' | 'http']
const sink = await startSink(signal, protocol)
process.on('message', () => process.send!(sink.counts()))
process.on('disconnect', () => process.exit())
// The terminal's Ctrl-C reaches every process; the parent ends this one in its own order.
process.on('SIGINT', () => {})
process.send!({ port: sink.port })
