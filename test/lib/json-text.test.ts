import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findJsonProblem } from '../../src/lib/json-text.ts'

describe('findJsonProblem', () => {
  it.each([
    ['', 1, 1, 'expected a value, found the end'],
    ['{"a": 1,}', 1, 9, 'expected a key in double quotes, found "}"'],
    ['{"a": 1\n "b": 2}', 2, 2, 'expected "," or "}", found "\\""'],
    ['[1, 2', 1, 6, 'expected "," or "]", found the end'],
    ['{"a" 1}', 1, 6, 'expected ":", found "1"'],
    ['[01]', 1, 3, 'expected "," or "]", found "1"'],
    ['{a": 1}', 1, 2, 'expected a key in double quotes, found "a"'],
    ['{"a": b}', 1, 7, 'expected a value, found "b"'],
    ['[1, ]', 1, 5, 'expected a value, found "]"'],
    ['{"a": 1', 1, 8, 'expected "," or "}", found the end'],
    ['{} // no', 1, 4, 'JSON has no comments'],
    ['{} /* no', 1, 4, 'JSON has no comments'],
    ['{} {}', 1, 4, 'expected the end, found "{"'],
    ['[1.]', 1, 2, 'the number has no digits after its point or exponent'],
    ['["\\u12"]', 1, 2, 'the string has \\u without four hexadecimal digits'],
    ['["\\x"]', 1, 2, 'the string has an invalid escape sequence'],
    ['["\t"]', 1, 2, 'the string has a control character'],
    ["['a']", 1, 2, 'expected a value, found "\'"'],
    ['["two\nlines"]', 1, 2, 'the string has no closing quote on its line'],
    ['{"a": 1,\n  "b": {"c": 1, "\\u0063": 2}}', 2, 17, 'the key "c" is a duplicate'],
  ])('finds what is wrong with %j', (text, line, column, message) => {
    expect(findJsonProblem(text)).toEqual({ line, column, message })
  })

  it.each([
    ['lists', '['.repeat(20_000), 101],
    ['objects', '{"a":'.repeat(20_000), 501],
    ['empty lists', `${'['.repeat(101)}${']'.repeat(101)}`, 101],
  ])('refuses %s that are nested without end', (_, text, column) => {
    const message = 'lists and objects are nested more than 100 deep'
    expect(findJsonProblem(text)).toEqual({ line: 1, column, message })
  })

  it('accepts what is nested 100 deep', () => {
    expect(findJsonProblem(`${'['.repeat(100)}1${']'.repeat(100)}`)).toBeUndefined()
  })

  it('accepts every text that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
        expect(findJsonProblem(JSON.stringify(value, null, indent))).toBeUndefined()
      }),
    )
  })

  it('refuses what JSON.parse refuses, and nothing else but repeated keys', () => {
    const text = fc.oneof(
      fc
        .array(fc.constantFrom(...'{}[]:,"0-1.5eE+a\\ \n', 'true', 'null', '"k"', '\\u00e9'))
        .map((parts) => parts.join('')),
      fc.tuple(fc.json(), fc.nat(), fc.string()).map(([json, at, part]) => {
        const cut = at % (json.length + 1)
        return json.slice(0, cut) + part + json.slice(cut)
      }),
    )
    fc.assert(
      fc.property(text, (text) => {
        const problem = findJsonProblem(text)
        if (problem?.message.includes('is a duplicate')) return
        expect(problem !== undefined).toBe(!parses(text))
      }),
    )
  })
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
