/**
 * Finds what is wrong with a JSON text, and where. `JSON.parse` is what reads the text; its messages do not
 * always say where, and it takes an object with the same key twice for a good one.
 */

export interface JsonProblem {
  message: string
  /** 1-based. */
  line: number
  /** 1-based, in characters. */
  column: number
}

/** Lists and objects in each other. No description needs so many, and the stack has room for no end of them. */
const MAX_DEPTH = 100

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y

class Problem extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** The first problem of a text, undefined when it is good JSON without repeated keys. */
export function findJsonProblem(text: string): JsonProblem | undefined {
  try {
    const end = skipSpace(text, skipValue(text, skipSpace(text, 0), 0))
    if (end < text.length) throw new Problem(end, `expected the end, found ${shown(text, end)}`)
    return undefined
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const before = text.slice(0, error.at).split('\n')
    return { message: error.message, line: before.length, column: before.at(-1)!.length + 1 }
  }
}

function skipValue(text: string, at: number, depth: number): number {
  if ('{['.includes(text[at] ?? ' ') && depth === MAX_DEPTH) {
    throw new Problem(at, `lists and objects lie in each other more than ${MAX_DEPTH} deep`)
  }
  if (text[at] === '{') return skipObject(text, at, depth + 1)
  if (text[at] === '[') {
    return skipList(text, at, ']', (item) => skipValue(text, item, depth + 1))
  }
  const end = match(STRING, text, at) ?? match(NUMBER, text, at) ?? match(WORD, text, at)
  if (end === undefined) throw new Problem(at, `expected a value, found ${shown(text, at)}`)
  return end
}

function skipObject(text: string, at: number, depth: number): number {
  const keys = new Set<string>()
  return skipList(text, at, '}', (start) => {
    const end = match(STRING, text, start)
    if (end === undefined)
      throw new Problem(start, `expected a key in double quotes, found ${shown(text, start)}`)
    const key = JSON.parse(text.slice(start, end)) as string
    if (keys.has(key)) throw new Problem(start, `the key ${JSON.stringify(key)} is here a second time`)
    keys.add(key)
    const colon = skipSpace(text, end)
    if (text[colon] !== ':') throw new Problem(colon, `expected ":", found ${shown(text, colon)}`)
    return skipValue(text, skipSpace(text, colon + 1), depth)
  })
}

/** From the opening bracket to behind the closing one. */
function skipList(text: string, open: number, close: string, skipItem: (at: number) => number): number {
  let at = skipSpace(text, open + 1)
  if (text[at] === close) return at + 1
  while (true) {
    at = skipSpace(text, skipItem(at))
    if (text[at] === close) return at + 1
    if (text[at] !== ',') throw new Problem(at, `expected "," or "${close}", found ${shown(text, at)}`)
    at = skipSpace(text, at + 1)
  }
}

function skipSpace(text: string, at: number): number {
  return match(SPACE, text, at)!
}

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}

function shown(text: string, at: number): string {
  return at >= text.length ? 'the end' : JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))
}
