import { describe, expect, test } from 'vitest'
import { nearestName } from '../../src/lib/nearest-name.ts'
import { BOOLEAN, checkOptions, oneOf, PATH, required, wholeNumber } from '../../src/lib/options.ts'

const table = {
  quick: BOOLEAN,
  output: required(PATH),
  level: wholeNumber(1, 22),
  format: oneOf(['img', 'img.zst']),
}
const check = (options: unknown) => () => checkOptions('doIt', options as typeof table, table)

describe('options', () => {
  test('of the right types are accepted, and undefined ones', () => {
    expect(check({ output: 'x', quick: true, level: 22, format: 'img' })).not.toThrow()
    expect(check({ output: 'x', quick: undefined })).not.toThrow()
  })

  test.each<[unknown, ErrorConstructor, string]>([
    [undefined, TypeError, 'doIt: options: expected an object, found undefined'],
    [{ output: 'x', quik: true }, TypeError, 'doIt: unknown option quik: did you mean quick?'],
    [{ output: 'x', Level: 3 }, TypeError, 'doIt: unknown option Level: did you mean level?'],
    [
      { output: 'x', colour: 3 },
      TypeError,
      'doIt: unknown option colour: expected one of quick, output, level, format',
    ],
    [{}, TypeError, 'doIt: option output: expected a path, found undefined'],
    [{ output: 'x', quick: 1 }, TypeError, 'doIt: option quick: expected true or false, found 1'],
    [{ output: Symbol('x') }, TypeError, 'doIt: option output: expected a path, found Symbol(x)'],
    [
      { output: 'x', level: '3' },
      TypeError,
      'doIt: option level: expected a whole number from 1 to 22, found "3"',
    ],
    [
      { output: 'x', level: 1.5 },
      RangeError,
      'doIt: option level: expected a whole number from 1 to 22, found 1.5',
    ],
    [
      { output: 'x', format: 'zip' },
      TypeError,
      'doIt: option format: expected "img" or "img.zst", found "zip"',
    ],
  ])('%j are refused', (options, kind, message) => {
    expect(check(options)).toThrow(new kind(message))
    expect(check(options)).toThrow(kind)
  })
})

test.each([
  ['onFault', 'onFinding', undefined],
  ['onfinding', 'onFinding', 'onFinding'],
  ['singal', 'signal', 'signal'],
  ['a', 'b', undefined],
])('the nearest name of %s among %s', (name, known, nearest) => {
  expect(nearestName(name, [known])).toBe(nearest)
})
