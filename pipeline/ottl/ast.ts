/** What a statement says, as a tree. `at` and `end` are offsets into its text. */

export interface Place {
  readonly at: number
  readonly end: number
}

export interface Statement extends Place {
  readonly editor: Call
  readonly where: Bool | undefined
}

export type Bool =
  | ({ readonly type: 'or' | 'and'; readonly operands: readonly Bool[] } & Place)
  | ({ readonly type: 'not'; readonly operand: Bool } & Place)
  | ({ readonly type: 'constant'; readonly value: boolean } & Place)
  | ({ readonly type: 'converter'; readonly call: Call } & Place)
  | ({
      readonly type: 'compare'
      readonly op: CompareOp
      readonly left: Expression
      readonly right: Expression
    } & Place)

export type CompareOp = '==' | '!=' | '<' | '<=' | '>' | '>='
export type MathOp = '+' | '-' | '*' | '/'

export type Expression =
  | ({ readonly type: 'nil' } & Place)
  | ({ readonly type: 'string'; readonly value: string } & Place)
  | ({ readonly type: 'bool'; readonly value: boolean } & Place)
  | ({ readonly type: 'int'; readonly value: bigint } & Place)
  | ({ readonly type: 'float'; readonly value: number; readonly text: string } & Place)
  | ({ readonly type: 'bytes'; readonly value: Uint8Array } & Place)
  | ({ readonly type: 'enum'; readonly name: string } & Place)
  | Path
  | Call
  | ({ readonly type: 'list'; readonly items: readonly Expression[] } & Place)
  | ({ readonly type: 'map'; readonly items: readonly MapItem[] } & Place)
  | ({ readonly type: 'math'; readonly op: MathOp; readonly left: Expression; readonly right: Expression } & Place)

export interface MapItem {
  readonly key: string
  readonly value: Expression
}

export interface Call extends Place {
  readonly type: 'call'
  readonly name: string
  readonly args: readonly Argument[]
  readonly keys: readonly Expression[]
}

export interface Argument extends Place {
  readonly name: string | undefined
  /** A bare function name (`SHA256`) is an enum here: only the parameter's type tells them apart. */
  readonly value: Expression
}

export interface Path extends Place {
  readonly type: 'path'
  readonly fields: readonly Field[]
}

export interface Field extends Place {
  readonly name: string
  readonly keys: readonly Expression[]
}
