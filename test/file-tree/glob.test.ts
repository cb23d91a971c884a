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
})
