/**
 * Finds what is wrong with a JSON text, and where. `JSON.parse` reads the text; its messages do not always give a
 * position, and it accepts an object that has the same key twice.
 */
import { visit, type ParseErrorCode } from 'jsonc-parser'

export interface JsonProblem {
  message: string
  /** 1-based. */
  line: number
  /** 1-based, in UTF-16 units. */
  column: number
}

/** How deep lists and objects may nest. No description needs as much, and the parser recurses. */
const MAX_DEPTH = 100

/** Errors inside a token, by the codes of `jsonc-parser`, whose enum exists for the compiler alone. */
const TOKEN_PROBLEMS: Partial<Record<ParseErrorCode, string>> = {
  10: 'JSON has no comments', // InvalidCommentToken
  11: 'JSON has no comments', // UnexpectedEndOfComment
  12: 'the string has no closing quote on its line', // UnexpectedEndOfString
  13: 'the number has no digits after its point or exponent', // UnexpectedEndOfNumber
  14: 'the string has \\u without four hexadecimal digits', // InvalidUnicode
  15: 'the string has an invalid escape sequence', // InvalidEscapeCharacter
  16: 'the string has a control character', // InvalidCharacter
}

/** CloseBraceExpected, CloseBracketExpected: the parser has left the object or list by then. */
const UNCLOSED: Partial<Record<ParseErrorCode, string>> = { 7: '"," or "}"', 8: '"," or "]"' }

class Problem extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

export interface JsonOptions {
  /** Comments, and commas behind the last value of a list or object, are allowed. */
  comments?: boolean | undefined
}

/** The first problem of a text, undefined when it is valid JSON without repeated keys. */
export function findJsonProblem(
  text: string,
  { comments = false }: JsonOptions = {},
): JsonProblem | undefined {
  try {
    check(text, comments)
    return undefined
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const before = text.slice(0, error.at).split('\n')
    return { message: error.message, line: before.length, column: before.at(-1)!.length + 1 }
  }
}

/** @throws Problem */
function check(text: string, comments: boolean): void {
  /** The keys of each open object, undefined for a list. */
  const open: (Set<string> | undefined)[] = []
  let expected = 'a value'
  const begin = (keys: Set<string> | undefined, at: number) => {
    if (open.length === MAX_DEPTH) {
      throw new Problem(at, `lists and objects are nested more than ${MAX_DEPTH} deep`)
    }
    open.push(keys)
    expected = keys === undefined ? 'a value' : 'a key in double quotes'
  }
  const afterValue = () => {
    if (open.length === 0) expected = 'the end'
    else expected = open.at(-1) === undefined ? '"," or "]"' : '"," or "}"'
  }
  const end = () => {
    open.pop()
    afterValue()
  }
  visit(
    text,
    {
      onObjectBegin: (at) => begin(new Set(), at),
      onArrayBegin: (at) => begin(undefined, at),
      onObjectEnd: end,
      onArrayEnd: end,
      onLiteralValue: afterValue,
      onObjectProperty(key, at) {
        const keys = open.at(-1)!
        if (keys.has(key)) throw new Problem(at, `the key ${JSON.stringify(key)} is a duplicate`)
        keys.add(key)
        expected = '":"'
      },
      onSeparator(character) {
        const isKeyNext = character === ',' && open.at(-1) !== undefined
        expected = isKeyNext ? 'a key in double quotes' : 'a value'
      },
      onError(code: ParseErrorCode, at) {
        throw new Problem(
          at,
          TOKEN_PROBLEMS[code] ?? `expected ${UNCLOSED[code] ?? expected}, found ${shown(text, at)}`,
        )
      },
    },
    { disallowComments: !comments, allowTrailingComma: comments, allowEmptyContent: false },
  )
}

function shown(text: string, at: number): string {
  return at >= text.length ? 'the end' : JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))
}
