import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { LongNameEntry, NT_LOWER_BASE, NT_LOWER_EXTENSION } from '../../src/fat32/format.ts'
import {
  decodeLongName,
  encodeLongName,
  longEntryCount,
  shortNameChecksum,
} from '../../src/fat32/long-name.ts'
import { caseKey, inCase, labelProblem, nameProblem, storedNames } from '../../src/fat32/names.ts'
import { fromText } from '../../src/lib/byte-string.ts'

const stored = (...names: string[]) => storedNames(names.map(fromText))
const shorts = (...names: string[]) => stored(...names).map(({ short }) => short)

describe('nameProblem', () => {
  it.each(['a', '.config', ' x', 'a.b.c', 'ä'.repeat(255), '日本語 😀', '+,;=[]', '~', 'a\x7f', 'con'])(
    'accepts %j',
    (name) => expect(nameProblem(fromText(name))).toBeUndefined(),
  )

  it.each([
    ['', 'empty'],
    ['.', 'ends in a dot'],
    ['..', 'ends in a dot'],
    ['a.', 'ends in a dot'],
    ['a ', 'or a space'],
    ['a"b', 'contains "\\""'],
    ['a*', 'contains "*"'],
    ['a:b', 'contains ":"'],
    ['<', 'contains'],
    ['>', 'contains'],
    ['?', 'contains'],
    ['|', 'contains'],
    ['a\\b', 'contains'],
    ['a/b', 'contains'],
    ['a\nb', 'contains "\\n"'],
    ['a\0', 'contains'],
    ['x'.repeat(256), 'is 256 UTF-16 units'],
    ['😀'.repeat(128), 'is 256 UTF-16 units'],
  ])('refuses %j', (name, problem) => expect(nameProblem(fromText(name))).toContain(problem))

  it('refuses what is not UTF-8', () => {
    expect(nameProblem('\xff')).toContain('not UTF-8')
    expect(nameProblem('\xed\xa0\x80')).toContain('not UTF-8')
  })
})

describe('caseKey', () => {
  it('ignores case', () => {
    expect(caseKey('Größe.TXT')).toBe(caseKey('gRÖßE.txt'))
    expect(caseKey('Ж')).toBe(caseKey('ж'))
  })
  it('keeps apart what only looks alike', () => {
    expect(caseKey('ß')).not.toBe(caseKey('SS'))
    expect(caseKey('ı')).not.toBe(caseKey('I'))
    expect(caseKey('ſ')).not.toBe(caseKey('s'))
    expect(caseKey('a')).not.toBe(caseKey('ä'))
  })
})

describe('storedNames', () => {
  const lower = NT_LOWER_BASE
  const both = NT_LOWER_BASE | NT_LOWER_EXTENSION
  it.each([
    ['README.TXT', 'README  TXT', 0, false],
    ['readme.txt', 'README  TXT', both, false],
    ['readme.TXT', 'README  TXT', lower, false],
    ['README.txt', 'README  TXT', NT_LOWER_EXTENSION, false],
    ['Readme.txt', 'README  TXT', 0, true],
    ['start4.elf', 'START4  ELF', both, false],
    ['kernel8', 'KERNEL8    ', lower, false],
    ['12345678.123', '12345678123', 0, false],
    ['a', 'A          ', lower, false],
    ["$%'-_@~`", "$%'-_@~`   ", 0, false],
    ['!(){}^#&.a', '!(){}^#&A  ', NT_LOWER_EXTENSION, false],
    ['bcm2710-rpi-3-b.dtb', 'BCM271~1DTB', 0, true],
    ['.config', 'CONFIG~1   ', 0, true],
    ['..a.b', 'A~1     B  ', 0, true],
    ['a.tar.gz', 'ATAR~1  GZ ', 0, true],
    ['a b.c', 'AB~1    C  ', 0, true],
    ['x+y=z.txt', 'X_Y_Z~1 TXT', 0, true],
    ['file.conf', 'FILE~1  CON', 0, true],
    ['日本.日', '__~1    _  ', 0, true],
    ['ä', '_~1        ', 0, true],
    ['; ;', '__~1       ', 0, true],
  ])('%j is stored as %j', (name, short, ntCase, long) => {
    expect(stored(name)).toEqual([{ short, ntCase, long: long ? name : undefined }])
  })

  it('counts, and leaves out numbers that are names, also of later entries', () => {
    expect(
      shorts('longname one', 'longname two', 'longna~2', 'longname three', 'LONGNA~4', 'longname four'),
    ).toEqual(['LONGNA~1   ', 'LONGNA~3   ', 'LONGNA~2   ', 'LONGNA~5   ', 'LONGNA~4   ', 'LONGNA~6   '])
  })

  it('shortens the name as the number grows', () => {
    const many = Array.from({ length: 1200 }, (_, i) => `long file name ${i}`)
    const made = shorts(...many)
    expect(made[8]).toBe('LONGFI~9   ')
    expect(made[9]).toBe('LONGF~10   ')
    expect(made[99]).toBe('LONG~100   ')
    expect(made[1199]).toBe('LON~1200   ')
    expect(new Set(made).size).toBe(1200)
  })

  it('looks for a free name in a number of steps that does not grow with the directory', () => {
    const names = Array.from({ length: 2000 }, (_, i) => fromText(`${'abcdefgh'.slice(0, 5 + (i % 3))} ${i}`))
    const lookUps = vi.spyOn(Set.prototype, 'has')
    try {
      const made = storedNames(names).map(({ short }) => short)
      expect(lookUps.mock.calls.length).toBeLessThan(2 * names.length)
      expect(new Set(made).size).toBe(names.length)
    } finally {
      lookUps.mockRestore()
    }
  })

  it('gives each name a legal short name of its own', () => {
    const character = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...'aAbB1~._ +ä') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
    )
    const name = fc
      .array(character, { minLength: 1, maxLength: 14 })
      .map((characters) => characters.join(''))
      .filter((text) => nameProblem(fromText(text)) === undefined)
    fc.assert(
      fc.property(fc.uniqueArray(name, { selector: caseKey, maxLength: 60 }), (names) => {
        const result = stored(...names)
        expect(new Set(result.map(({ short }) => short)).size).toBe(names.length)
        result.forEach(({ short, ntCase, long }, i) => {
          expect(short).toMatch(
            /^(?! )[A-Z0-9$%'\-_@~`!(){}^#&]{1,8} *(?<=^.{8})[A-Z0-9$%'\-_@~`!(){}^#&]{0,3} *$/,
          )
          expect(short).toHaveLength(11)
          if (long !== undefined) {
            expect(long).toBe(names[i])
            expect(ntCase).toBe(0)
            return
          }
          const base = short.slice(0, 8).trimEnd()
          const extension = short.slice(8).trimEnd()
          const shown = [
            ntCase & NT_LOWER_BASE ? base.toLowerCase() : base,
            ntCase & NT_LOWER_EXTENSION ? extension.toLowerCase() : extension,
          ]
          expect(shown.filter((part) => part !== '').join('.')).toBe(names[i])
        })
        expect(stored(...names)).toEqual(result)
      }),
    )
  })
})

describe('long names', () => {
  it('has the checksum of the specification', () => {
    // By hand: rotate right, add, for "A          ".
    let sum = 0
    for (const byte of Buffer.from('A          ')) sum = (((sum & 1) << 7) + (sum >> 1) + byte) % 256
    expect(shortNameChecksum('A          ')).toBe(sum)
  })

  it('comes back', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 120 })
      .filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(text.length <= 255)
        const entries = encodeLongName(text, 'X~1        ').map((bytes) => LongNameEntry.decode(bytes))
        expect(entries).toHaveLength(longEntryCount(text))
        expect(decodeLongName(entries, 'X~1        ')).toBe(text)
        expect(decodeLongName(entries, 'X~2        ')).toBeUndefined()
        expect(decodeLongName(entries.slice(1), 'X~1        ')).toBeUndefined()
      }),
    )
  })

  it('ends in NUL and ones, but not when it fills its entries', () => {
    const [entry] = encodeLongName('abc', 'X~1        ').map((bytes) => LongNameEntry.decode(bytes))
    expect([...entry.name1, ...entry.name2, ...entry.name3]).toEqual([
      ...[97, 98, 99, 0],
      ...Array<number>(9).fill(0xffff),
    ])
    expect(encodeLongName('x'.repeat(26), 'X~1        ')).toHaveLength(2)
  })
})

describe('inCase', () => {
  it.each([
    ['Kernel8.Img', 'KERNEL8.IMG', 'kernel8.img'],
    ['Größe ÄÖ', 'GRÖßE ÄÖ', 'größe äö'],
    // The sign for kelvin is no K to FAT, a dotless i is an I, and neither may become an ASCII letter.
    ['\u212a\u0131\u0130', '\u212a\u0131\u0130', '\u212a\u0131\u0130'],
    ['ΣΑΣ', 'ΣΑΣ', 'σασ'],
  ])('%j is %j or %j', (name, upper, lower) => {
    expect([inCase(name, 'upper'), inCase(name, 'lower')]).toEqual([upper, lower])
  })

  it('leaves a name the same to FAT, and as long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('upper', 'lower'), (name, nameCase) => {
        const changed = inCase(name, nameCase)
        expect(changed).toHaveLength(name.length)
        expect(caseKey(changed)).toBe(caseKey(name))
        expect(inCase(changed, nameCase)).toBe(changed)
      }),
    )
  })
})

describe('labelProblem', () => {
  it.each(['', 'FIRMWARE', 'bootfs', 'NO NAME', 'A-B_C 1'])('accepts %j', (label) => {
    expect(labelProblem(label)).toBeUndefined()
  })
  it.each([
    ['TWELVE CHARS', 'is 12 characters'],
    ['A.B', 'contains "."'],
    ['Ä', 'contains "Ä"'],
    ['A\tB', 'contains "\\t"'],
    [' A', 'begins or ends'],
    ['A ', 'begins or ends'],
  ])('refuses %j', (label, problem) => expect(labelProblem(label)).toContain(problem))
})
