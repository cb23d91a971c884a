import { describe, expect, it, vi } from 'vitest'
import type { SubvolumeResult } from '../../src/build/result.ts'
import { buildText } from '../../src/cli/build-report.ts'
import { CommandError, exitCodeOf, reportError } from '../../src/cli/exit.ts'
import { interruptible } from '../../src/cli/interrupt.ts'
import { bytesText, countText, digitGroups, secondsText } from '../../src/cli/units.ts'
import { InputError, SpecError } from '../../src/lib/errors.ts'

function reported(error: unknown, { debug = false } = {}): string {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    reportError(error, { debug })
    return write.mock.calls.map(([text]) => text).join('')
  } finally {
    write.mockRestore()
  }
}

const systemError = (code: string, errno: number, path?: string) =>
  Object.assign(new Error(`${code}: words of node`), { code, errno, syscall: 'open', path })

describe('an error', () => {
  it.each([
    ['of the command', new CommandError(['one', 'two']), 'diskwright: one\ndiskwright: two\n'],
    [
      'of the input',
      new InputError('is cut off', { source: 'c.tar', entry: 'a/b', offset: 512 }),
      'diskwright: c.tar: entry "a/b" at offset 512: is cut off\n',
    ],
    [
      'of the description',
      new SpecError([
        { path: 'a', message: 'x' },
        { path: '', message: 'y' },
      ]),
      'diskwright: a: x\ndiskwright: y\n',
    ],
    ['of the system', systemError('ENOENT', -2, '/none'), 'diskwright: /none: no such file or directory\n'],
    ['of the system without a file', systemError('ENOSPC', -28), 'diskwright: no space left on device\n'],
    [
      'of the program',
      new TypeError('x is not a function'),
      'diskwright: internal error: TypeError: x is not a function (--debug shows where)\n',
    ],
  ])('%s is told in a line', (_, error, lines) => {
    expect(reported(error)).toBe(lines)
    expect(exitCodeOf(error)).toBe(1)
  })

  it('shows its stack and those of its causes with --debug', () => {
    const text = reported(new CommandError(['one'], { cause: new Error('why') }), { debug: true })
    expect(text).toMatch(/^diskwright: one\nCommandError: one\n {4}at [^]*\nError: why\n {4}at /)
  })

  it('is none when nobody reads our output any more', () => {
    const error = new Error('cannot write', { cause: systemError('EPIPE', -32) })
    expect(reported(error)).toBe('')
    expect(exitCodeOf(error)).toBe(141)
  })
})

describe('interruptible', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends the work at %s, with exit code %d', async (name, code) => {
    const before = process.listenerCount(name)
    const work = interruptible(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('cleaned up')))
          process.emit(name)
        }),
    )
    const error = await work.catch((reason: unknown) => reason)
    expect(exitCodeOf(error)).toBe(code)
    expect(reported(error)).toBe(`diskwright: interrupted by ${name}\n`)
    expect(process.listenerCount(name)).toBe(before)
  })

  it('gives back what the work gives, and throws what it throws', async () => {
    expect(await interruptible(() => Promise.resolve(7))).toBe(7)
    await expect(interruptible(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})

describe('amounts', () => {
  it('are written for people', () => {
    const bytes = [0, 1023, 1024, 1536, 2 ** 20 - 1, 512 * 2 ** 20, 1234567890, 2 ** 50]
    expect(bytes.map(bytesText)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1 KiB',
      '1.5 KiB',
      '1.0 MiB',
      '512 MiB',
      '1.1 GiB',
      '1024 TiB',
    ])
    expect([countText(1, 'file'), countText(123456, 'file')]).toEqual(['1 file', '123,456 files'])
    for (const count of [0, 12, 123, 1234, 12345, 1234567, -1, -123, -1234, -123456, 2 ** 53 - 1]) {
      expect(digitGroups(count)).toBe(count.toLocaleString('en-US'))
    }
    expect([secondsText(1.25), secondsText(125.4)]).toEqual(['1.3 s', '2 min 5 s'])
  })
})

describe('the result of a build', () => {
  const subvolume = (id: number, name: string, more: Partial<SubvolumeResult>): SubvolumeResult => ({
    id,
    name,
    parent: 5,
    path: undefined,
    uuid: '44444444-4444-4444-8888-88888888888a',
    readOnly: false,
    default: false,
    snapshotOf: undefined,
    receivedUuid: undefined,
    files: 0,
    ...more,
  })

  it('is a line for the image and one for each partition', () => {
    const dropped = { xattrs: 0, acls: 0, flags: 0, entries: 0 }
    const counts = { bootable: false, files: 1, directories: 2, bytesIn: 3000, bytesStored: 4096, dropped }
    const text = buildText(
      {
        output: 'x.img.zst',
        format: 'img.zst',
        imageSize: 2 ** 30,
        outputSize: 2 ** 20,
        table: { type: 'mbr', diskId: '0x00000001' },
        replaced: 0,
        findings: [
          { severity: 'notice', where: 'partitions[1].paths[3]', message: 'matches nothing in the sources' },
          { severity: 'warning', where: 'partition 2, /x', message: 'has holes' },
        ],
        partitions: [
          {
            ...counts,
            number: 1,
            type: 'fat32',
            label: 'FIRMWARE',
            start: 2 ** 20,
            size: 2 ** 29,
            volumeId: '0000-0001',
            clusterSize: 4096,
            freeBytes: 2 ** 28,
          },
          {
            ...counts,
            number: 2,
            type: 'btrfs',
            label: 'ROOT',
            start: 2 ** 29 + 2 ** 20,
            size: 2 ** 29,
            uuid: '44444444-4444-4444-8888-888888888889',
            symlinks: 0,
            specials: 0,
            hardLinks: 0,
            extents: 1,
            inlineFiles: 0,
            metadataBytes: 16384,
            subvolumes: [
              subvolume(5, '', { parent: undefined, path: '/', files: 1 }),
              subvolume(256, '@', { default: true }),
              subvolume(257, '@/x', { parent: 256, readOnly: true }),
              subvolume(300, '@s', { snapshotOf: 256, readOnly: true }),
            ],
          },
        ],
      },
      { seconds: 1.5 },
    )
    expect(text).toBe(
      [
        'x.img.zst: 1 GiB, 1 MiB compressed, in 1.5 s',
        '  1  FAT32  FIRMWARE  512 MiB at 1 MiB    1 file, 2 directories, 2.9 KiB in 4 KiB',
        '  2  BTRFS  ROOT      512 MiB at 513 MiB  1 file, 2 directories, 3 subvolumes (1 nested, 1 snapshot, 2 read-only), 2.9 KiB in 4 KiB',
        'notice: partitions[1].paths[3]: matches nothing in the sources',
        'warning: partition 2, /x: has holes',
        '',
      ].join('\n'),
    )
  })
})
