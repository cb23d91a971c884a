import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { FatCollector } from '../../src/fat32/write/collect.ts'
import { ATTR_ARCHIVE, ATTR_DIRECTORY, ATTR_READ_ONLY, FIRST_CLUSTER } from '../../src/fat32/format.ts'
import { caseKey, nameProblem } from '../../src/fat32/names.ts'
import { memorySpool } from '../../src/fat32/write/spool.ts'
import { planFat } from '../../src/fat32/write/plan.ts'
import { readFatVolume } from '../../src/fat32/read/reader.ts'
import { fromText } from '../../src/lib/byte-string.ts'
import { DoesNotFitError, InputError, SpecError } from '../../src/lib/errors.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { mtoolsCopyAll, mtoolsList } from '../judges/mtools.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { content, digest, judge, readBack } from './judge.ts'
import {
  allEntries,
  common,
  directory,
  file,
  LIMIT_40_MIB,
  MIB,
  planOf,
  request,
  sourceOf,
  TIME,
  utf8,
  withVolume,
  type DirectoryEntry,
  type FileEntry,
} from './volume.ts'

const hasMtools = requireJudge('mcopy')

describe('writeFat32', () => {
  it('makes an empty volume', async () => {
    await judge(request([]))
    await judge(request([], { label: '' }))
  })

  it('makes what firmware looks like', async () => {
    const entries = [
      file('config.txt', 'arm_64bit=1\n'),
      file('bcm2710-rpi-3-b.dtb', content(31_790, 1)),
      file('start.elf', content(2_979_264, 2)),
      file('empty', ''),
      directory('overlays'),
      file('overlays/README', 'text'),
      file('overlays/vc4-kms-v3d.dtbo', content(512, 3)),
      file('overlays/deep/er/File With Spaces.Txt', content(513, 4)),
      file('FIRMWARE', 'has the name of the volume'),
      directory('nothing in it'),
    ]
    await judge(request(entries))
    await judge(request(entries, { size: 512 * MIB, label: 'bootfs' }))
    await judge(request(entries, { size: 2100 * MIB, clusterSize: 32768, label: '' }))
  })

  it('makes directories of several clusters, and such as fill theirs', async () => {
    const names = Array.from({ length: 2000 }, (_, i) => file(`dir/a longer file name, number ${i}`, `${i}`))
    await judge(request(names))
    // 14 records and the two dots are 512 bytes, the cluster; 16 in the root with its label are one more.
    const exactly = Array.from({ length: 14 }, (_, i) => file(`full/${i}`, 'x'))
    const root = Array.from({ length: 14 }, (_, i) => file(`R${i}`, 'x'))
    await judge(request([...exactly, ...root]))
    await judge(request([...exactly, ...root, file('one', 'more')]))
  })

  it('fills a volume to its last cluster, and not beyond', async () => {
    const { geometry } = await planOf(request([]))
    const room = (geometry.clusters - 1) * 512
    await judge(request([file('all', content(room, 1))]))
    const names = ['b', 'c', 'd'].map((path): SourceEntry => {
      return { ...common, type: 'hardlink', path, mode: 0, target: 'a' }
    })
    const quarter = (Math.ceil(room / 512 / 4) + 1) * 512
    const entries = [file('a', new Uint8Array(quarter)), ...names]
    let error: unknown
    try {
      await planOf(request(entries))
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(DoesNotFitError)
    expect(error).toMatchObject({ needed: 512 + 4 * quarter, available: room + 512 })
    expect(String(error)).toContain('from entry "d" on')
  })

  it('keeps times, attributes and the label', async () => {
    const mtime = { sec: 1_700_000_001, nsec: 230_000_000 }
    const entries = [
      file('ro', 'x', { mode: 0o444, mtime }),
      file('implied/rw', 'x', { mtime: { sec: 1, nsec: 0 } }),
      directory('own', mtime),
    ]
    await withVolume(
      request(entries, { time: { sec: 1_600_000_000, nsec: 0 }, label: 'bootfs' }),
      (image) => {
        const source = sourceOf(image)
        const volume = driveSync(source, readFatVolume())
        expect(volume).toMatchObject({ label: 'bootfs', volumeId: 0x2178694e, boot: { hiddenSectors: 2048 } })
        const found = driveSync(source, allEntries(volume)).map(({ path, record, inode }) => {
          return [path, record.attributes, inode.mtime, inode.birthtime]
        })
        const epoch = { sec: Date.UTC(1980, 0, 1) / 1000, nsec: 0 }
        const implied = { sec: 1_600_000_000, nsec: 0 }
        expect(found).toEqual([
          ['ro', ATTR_ARCHIVE | ATTR_READ_ONLY, { sec: 1_700_000_000, nsec: 0 }, mtime],
          ['implied', ATTR_DIRECTORY, implied, implied],
          ['own', ATTR_DIRECTORY, { sec: 1_700_000_000, nsec: 0 }, mtime],
          ['implied/rw', ATTR_ARCHIVE, epoch, epoch],
        ])
        return Promise.resolve()
      },
    )
  })

  it('tells mtools the names as they were given', async (test) => {
    if (!hasMtools) test.skip()
    const names = [
      'UPPER.TXT',
      'lower.txt',
      'Mixed.Txt',
      'lower.TXT2',
      '.config',
      'bcm2710-rpi-3-b.dtb',
      'a+b',
      'x y',
    ]
    await withVolume(request(names.map((name) => file(name, name))), async (image) => {
      expect((await mtoolsList(image.path)).sort()).toEqual([...names].sort())
    })
  })

  it('tells mtools the times', async (test) => {
    if (!hasMtools) test.skip()
    const mtime = { sec: 1_234_567_890, nsec: 0 }
    await withVolume(request([file('a/f', 'x', { mtime })]), async (image) => {
      const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
      await mtoolsCopyAll(image.path, folder)
      expect(statSync(join(folder, 'a/f')).mtimeMs).toBe(mtime.sec * 1000)
      rmSync(folder, { recursive: true })
    })
  })

  it('is the same for the same input, and counts the bytes', async () => {
    let written = 0
    const entries = [file('a', 'x'), file('b/c', content(100_000, 1))]
    const bytes: Uint8Array[] = []
    for (let i = 0; i < 2; i++) {
      await withVolume(
        request(entries),
        (image) => {
          bytes.push(image.read(0, 2 * MIB))
          return Promise.resolve()
        },
        { onBytes: (count) => (written += count) },
      )
    }
    expect(written).toBe(2 * 100_001)
    expect(Buffer.compare(bytes[0], bytes[1])).toBe(0)
  })

  it('holds a directory at any depth', async () => {
    const path = Array.from({ length: 30_000 }, () => 'd').join('/')
    const layout = await planOf(request([directory(path), file(`${path}/f`, 'x')], { size: 64 * MIB }))
    expect(layout.directories).toHaveLength(30_001)
    expect(layout.files).toMatchObject([{ run: { first: FIRST_CLUSTER + 30_001, count: 1 } }])
    await expect(planOf(request([file(`${path}/d:`, 'x')]))).rejects.toThrow('its name "d:" contains ":"')
  })

  it('holds random trees', async () => {
    const character = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(..."abcABC12.~ _+-,;=[]{}'") },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
    )
    const ascii = fc.constantFrom(..."abcdXYZ12.~ _+-,;=[]{}'")
    const nameOf = (unit: fc.Arbitrary<string>) =>
      fc
        .array(unit, { minLength: 1, maxLength: 30 })
        .map((characters) => characters.join(''))
        .filter((name) => nameProblem(fromText(name)) === undefined)
    const treesOf = (unit: fc.Arbitrary<string>) =>
      fc
        .array(
          fc.record({
            path: fc.array(nameOf(unit), { minLength: 1, maxLength: 4 }),
            /** Below an earlier one? */
            below: fc.option(fc.nat(20)),
            size: fc.option(
              fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.constantFrom(0, 511, 512, 513, 4096)),
            ),
          }),
          { maxLength: 20 },
        )
        .map(treeOf)
    const run = (unit: fc.Arbitrary<string>, mtools: boolean) =>
      fc.assert(
        fc.asyncProperty(treesOf(unit), fc.constantFrom(512, 4096), async (entries, clusterSize) => {
          const size = clusterSize === 512 ? 34 * MIB : 260 * MIB
          await judge(request(entries, { size, clusterSize }), { mtools })
        }),
        { numRuns: 25 },
      )
    // mtools has its own ideas about the case of some letters.
    await run(character, false)
    await run(ascii, hasMtools)
  })
})

/** Entries without names that FAT takes for one. */
function treeOf(
  list: { path: string[]; below: number | null; size: number | null }[],
): (DirectoryEntry | FileEntry)[] {
  const directories: string[] = ['']
  const keys = new Map<string, string>()
  return list.flatMap(({ path, below, size }, seed): (DirectoryEntry | FileEntry)[] => {
    const parent = below === null ? '' : directories[below % directories.length]
    const components = [...(parent === '' ? [] : parent.split('/')), ...path]
    for (let i = 1; i <= components.length; i++) {
      const part = components.slice(0, i).join('/')
      const known = keys.get(caseKey(part))
      if (known !== undefined && (known !== part || i === components.length || !directories.includes(part)))
        return []
    }
    for (let i = 1; i <= components.length; i++) {
      const part = components.slice(0, i).join('/')
      keys.set(caseKey(part), part)
      if ((i < components.length || size === null) && !directories.includes(part)) directories.push(part)
    }
    const full = components.join('/')
    return [size === null ? directory(full) : file(full, content(size, seed))]
  })
}

describe('what FAT32 cannot hold', () => {
  const origin = { source: 'firmware', offset: 1024 }
  it.each([
    [
      'a bad name',
      [file('d/a:b', '', { origin })],
      'firmware: entry "d/a:b" at offset 1024: its name "a:b" contains ":"',
    ],
    [
      'a bad parent',
      [file('d./x', '', { origin })],
      'firmware: entry "d./x" at offset 1024: its name "d." ends in a dot',
    ],
    [
      'names equal but for case',
      [file('d/README'), file('d/ReadMe')],
      '"d/ReadMe" and "d/README" differ only in case',
    ],
    ['directories equal but for case', [file('D/a'), file('d/b')], '"d" and "D" differ only in case'],
    [
      'an entry below a file',
      [file('a'), file('a/b')],
      'entry "a/b" at offset 512: "a" is a file, not a directory',
    ],
    [
      'a file of 4 GiB',
      [file('big', '', { size: 2 ** 32 })],
      'a.tar: entry "big" at offset 512: has 4294967296 bytes, but a FAT file has',
    ],
    [
      'too large a directory',
      Array.from({ length: 16384 }, (_, i) => file(`d/${'long name '.repeat(3)}${i}`)),
      /entry "d\/(long name ){3}0" at offset 512: the directory "d" needs 65538 records/,
    ],
    [
      'too large a root',
      Array.from({ length: 16384 }, (_, i) => file(`${'long name '.repeat(3)}${i}`)),
      'the directory "" needs 65537 records',
    ],
  ])('refuses %s', async (_, entries, message) => {
    const attempt = planOf(request(entries))
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toBeInstanceOf(InputError)
  })

  it('names the entry as its source does, and the directory that others imply by the first of them', async () => {
    const collector = new FatCollector({
      limit: LIMIT_40_MIB,
      time: TIME,
      spool: memorySpool(),
    })
    for (const path of ['y/a/b/1', 'y/a/b/2']) await collector.add(directory(path), 'to/z.')
    const attempt = () => planFat({ ...request([]), ...collector.tree })
    expect(attempt).toThrow('a.tar: entry "y/a/b/1" at offset 512: its name "z." ends in a dot')
    const withoutPlaces = () => planFat({ ...request([]), ...collector.tree, places: new Map() })
    expect(withoutPlaces).toThrow('FAT content: entry "to/z.": its name')
  })

  it('refuses impossible labels and sizes', async () => {
    await expect(planOf(request([], { label: 'a.b' }))).rejects.toBeInstanceOf(SpecError)
    await expect(planOf(request([], { size: 32 * MIB }))).rejects.toBeInstanceOf(DoesNotFitError)
  })

  it('takes the largest file there can be', async () => {
    const layout = await planOf(request([file('big', '', { size: 2 ** 32 - 1 })], { size: 5 * 2 ** 30 }))
    expect(layout.files[0].run.count).toBe(2 ** 20)
  })

  it.each([
    ['longer', { size: 2 }, 'entry "f" at offset 512: expected 2 bytes of content, found at least 3'],
    ['longer than nothing', { size: 0 }, 'expected 0 bytes of content, found at least 3'],
    ['shorter', { size: 4 }, 'expected 4 bytes of content, found 3'],
    [
      'longer than its data ranges',
      { size: 900, ranges: [{ offset: 512, length: 2 }] },
      'expected 2 bytes of content in the data ranges, found at least 3',
    ],
    [
      'shorter than its data ranges',
      { size: 900, ranges: [{ offset: 512, length: 4 }] },
      'expected 4 bytes of content in the data ranges, found 3',
    ],
  ])('refuses content that is %s than declared', async (_, declared, message) => {
    const attempt = withVolume(request([file('f', 'xyz', declared)]), () => Promise.resolve())
    await expect(attempt).rejects.toThrow(
      `a.tar: ${message.startsWith('entry') ? '' : 'entry "f" at offset 512: '}${message}`,
    )
    await expect(attempt).rejects.toBeInstanceOf(InputError)
  })

  it('writes every name of a sparse file', async () => {
    const ranges = [{ offset: 1000, length: 3 }]
    const link: SourceEntry = { ...common, type: 'hardlink', path: 'b', mode: 0, target: 'a' }
    const entries = [file('a', 'xyz', { size: 2000, ranges, repeatable: true }), link]
    await withVolume(request(entries), async (image) => {
      const whole = new Uint8Array(2000)
      whole.set(utf8('xyz'), 1000)
      const found = await Promise.resolve(readBack(image))
      expect([...found]).toEqual([
        ['a', digest(whole)],
        ['b', digest(whole)],
      ])
    })
  })

  it('can be stopped', async () => {
    const controller = new AbortController()
    const entries: FileEntry[] = [file('f', content(10_000, 1), { mtime: TIME })]
    const attempt = withVolume(request(entries), () => Promise.resolve(), {
      signal: controller.signal,
      onBytes: () => controller.abort(new Error('enough')),
    })
    await expect(attempt).rejects.toThrow('enough')
  })
})
