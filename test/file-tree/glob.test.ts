import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromText } from '../../src/lib/byte-string.ts'
import { isGlobPart, matchesGlob, parseGlob } from '../../src/file-tree/glob.ts'

const matches = (glob: string, path: string) => matchesGlob(parseGlob(glob), fromText(path).split('/'))

describe('a pattern of paths', () => {
  it.each([
    ['/a/b', 'a/b'],
    ['/a/*', 'a/b'],
    ['/a/*', 'a/.hidden'],
    ['/*.log', 'x.log'],
    ['/**', 'a'],
    ['/**', 'a/b/c'],
    ['/a/**', 'a/b/c'],
    ['/**/c', 'c'],
    ['/**/c', 'a/b/c'],
    ['/a/**/c', 'a/c'],
    ['/a/**/c', 'a/b/b/c'],
    ['/a?c', 'abc'],
    ['/a?c', 'a\u00e4c'],
    ['/a?c', 'a\u{1f600}c'],
    ['/\u00e4*', '\u00e4b'],
    ['/*?', '\u20ac'],
    ['/*??', 'a\u20ac'],
    ['/[a-c]x', 'bx'],
    ['/[!a-c]x', 'dx'],
    ['/[!a-c]x', '\u00e4x'],
    ['/[]^&~.-]', undefined],
    ['/[^a]', '^'],
    ['/a.b+(c)|$', 'a.b+(c)|$'],
    ['/line*', 'line\nbreak'],
  ])('%s means %s', (glob, path) => {
    if (path === undefined) expect(isGlobPart(glob.slice(1))).toBe(false)
    else expect(matches(glob, path)).toBe(true)
  })

  it.each([
    ['/a/*', 'a'],
    ['/a/*', 'a/b/c'],
    ['/a/**', 'a'],
    ['/a/**', 'ab/c'],
    ['/a*', 'a/b'],
    ['/a?b', 'a/b'],
    ['/a?b', 'a\u00e4\u00e4b'],
    ['/a??c', 'a\u00e4c'],
    ['/[!a]?', '\u00e4'],
    ['/*??', '\u20ac'],
    ['/*?*?*?', '\u20ac\u{1f600}'],
    ['/[!a]b', '/b'],
    ['/a.c', 'abc'],
    ['/b', 'a/b'],
    ['/**/c', 'abc'],
  ])('%s does not mean %s', (glob, path) => {
    expect(matches(glob, path)).toBe(false)
  })

  it('has closed sets of ASCII characters, and ** alone', () => {
    for (const part of ['[', '[]', '[a', '[b-a]', '[\u00e4]', '[a\\]', 'a**', '***']) {
      expect(isGlobPart(part), part).toBe(false)
    }
    for (const part of ['**', '*', '[a]', '[a-]', '[-a]', ']', 'a*b*c'])
      expect(isGlobPart(part), part).toBe(true)
  })

  it('takes a time that many ** do not multiply', () => {
    const glob = `${'/**/a'.repeat(40)}/b`
    const path = 'a/'.repeat(80)
    expect(matches(glob, `${path}c`)).toBe(false)
    expect(matches(glob, `${path}b`)).toBe(true)
  })

  it('takes a time that many * do not multiply', () => {
    const glob = `/${'a*'.repeat(60)}b`
    const name = 'a'.repeat(254)
    expect(matches(glob, `${name}c`)).toBe(false)
    expect(matches(glob, `${name}b`)).toBe(true)
  })

  it('means what trying every way finds', () => {
    const tryAll = (pattern: string, name: string): boolean => {
      if (pattern === '') return name === ''
      if (pattern[0] === '*')
        return tryAll(pattern.slice(1), name) || (name !== '' && tryAll(pattern, name.slice(1)))
      return (
        name !== '' &&
        (pattern[0] === '?' || pattern[0] === name[0]) &&
        tryAll(pattern.slice(1), name.slice(1))
      )
    }
    const depths = (parts: string[], names: string[]): boolean => {
      if (parts.length === 0) return names.length === 0
      const [part, ...rest] = parts
      if (part !== '**') return names.length > 0 && tryAll(part, names[0]) && depths(rest, names.slice(1))
      return rest.length === 0 ? names.length > 0 : names.some((_, i) => depths(rest, names.slice(i)))
    }
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 })
    const part = fc.oneof(
      fc.constant('**'),
      fc.string({ unit: fc.constantFrom('a', 'b', '?', '*'), minLength: 1, maxLength: 7 }).filter(isGlobPart),
    )
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.array(name, { minLength: 1, maxLength: 5 }),
        (parts, names) => {
          expect(matches(`/${parts.join('/')}`, names.join('/'))).toBe(depths(parts, names))
        },
      ),
      { numRuns: 3000 },
    )
  })
})
