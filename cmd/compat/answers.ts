/** Suite `answers`: what a sender is told, over HTTP and gRPC, for good requests and for bad ones. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { askGrpc, grpcQuestions } from './ask-grpc.ts'
import { askHttp, httpQuestions } from './ask-http.ts'
import type { Program } from './program.ts'
import { start } from './run.ts'
import { type Contest, isWanted, name, type SuiteResult } from './suite.ts'

const suite = 'answers'

/** A request, and what of the answer must be equal. */
interface Case {
  readonly name: string
  ask(ports: { readonly grpc: number; readonly http: number }): Promise<string>
}

const cases: readonly Case[] = [
  ...httpQuestions.map((one): Case => ({ name: `HTTP: ${one.name}`, ask: ({ http }) => askHttp(http, one) })),
  ...grpcQuestions.map((one): Case => ({ name: `gRPC: ${one.name}`, ask: ({ grpc }) => askGrpc(grpc, one) })),
]

export async function compareAnswers(contest: Contest): Promise<SuiteResult> {
  const wanted = cases.filter((one) => isWanted(one.name, contest))
  const folder = join(contest.work, suite)
  await mkdir(folder, { recursive: true })
  const oracle = await answersOf(contest.oracle, folder, wanted)
  const subject = await answersOf(contest.subject, folder, wanted)
  const disagreements = wanted.flatMap((one, index) => {
    const [theirs, ours] = [oracle[index] ?? '', subject[index] ?? '']
    return theirs === ours ? [] : name(suite, one.name, [{ check: 'output', oracle: theirs, vigil: ours }])
  })
  return { suite, cases: wanted.length, disagreements, skipped: [] }
}

async function answersOf(program: Program, folder: string, asked: readonly Case[]): Promise<string[]> {
  const running = await start(program, folder, {
    body: 'exporters:\n  nop:',
    exporters: 'nop',
    grpc: 'max_recv_msg_size_mib: 1',
    http: 'max_request_body_size: 20000, cors: {allowed_origins: ["http://ok.example"]}',
  })
  const answers: string[] = []
  for (const one of asked) answers.push(running.trouble === '' ? await one.ask(running.ports) : running.trouble)
  await running.stop()
  return answers
}
