import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { diskwright } from './diskwright.ts'
import { buildReadable } from './read-image.ts'

let folder: string
let image: string
let packed: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-ls-'))
  image = await buildReadable(folder, 'disk.img')
  packed = await buildReadable(folder, 'disk.img.zst')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ls = async (...args: string[]) => {
  const { exit, stdout, stderr } = await diskwright(['ls', ...args])
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
  return stdout
}

describe('ls', () => {
  test('of an image lists its partitions', async () => {
    expect(await ls(image)).toMatch(
      /^MBR, [\d.]+ MiB\n  1  FAT32  "BOOT"  34 MiB at 1 MiB\n  2  BTRFS  "ROOT"  [\d.]+ MiB at 35 MiB(  bootable)?\n$/,
    )
    const json = JSON.parse(await ls(packed, '--json')) as Record<string, unknown>
    expect(json).toMatchObject({
      compression: { format: 'zstd' },
      table: { type: 'mbr' },
      partitions: [
        { number: 1, content: 'fat32', label: 'BOOT', start: 1 << 20, size: 34 << 20 },
        { number: 2, content: 'btrfs', label: 'ROOT', start: 35 << 20 },
      ],
    })
  })

  test.each([
    ['a number', '2:/@/etc'],
    ['a label', 'ROOT:@/etc/'],
  ])(
    'of a directory, in a partition by %s, in the order of names, with what is odd made visible',
    async (_, place) => {
      const names = 'a\\x0ab\\x1b[31m\ngrüße\nlink\npasswd\n\\xff\\xfe\n'
      expect(await ls(image, place)).toBe(names)
      expect(await ls(packed, place)).toBe(names)
    },
  )

  test('-l shows what stat shows', async () => {
    expect(await ls(image, '2:', '-l')).toMatch(
      /^drwxr-xr-x 1 0 0 +\d+ 1970-01-01T00:00:00Z @  \[subvolume 256\]\ndrwxr-xr-x 1 0 0 +\d+ \S+ @home  \[subvolume 257\]\n$/,
    )
    expect(await ls(image, '2:/@/bin', '-l')).toBe(
      '-rwsr-xr-x 2 0 0 300000 2020-09-13T12:26:40Z bash\n-rwsr-xr-x 2 0 0 300000 2020-09-13T12:26:40Z sh\n',
    )
    expect(await ls(image, '2:/@/dev', '-l')).toBe(
      'crw-rw-rw- 1 0 0 1, 3 1970-01-01T00:00:00Z null\nprw------T 1 0 0    0 1970-01-01T00:00:00Z pipe\n',
    )
    expect(await ls(image, '2:/@/etc', '-l')).toBe(
      [
        '-rw-r--r-- 1    0   0  4 1970-01-01T00:00:00Z a\\x0ab\\x1b[31m',
        'lrwxrwxrwx 1    0   0  7 1970-01-01T00:00:00Z grüße -> pass\\x07wd',
        'lrwxrwxrwx 1    0   0  6 1970-01-01T00:00:00Z link -> passwd',
        '-rw-r----- 1 1000 100 11 1970-01-01T00:00:00Z passwd',
        '-rw-r--r-- 1    0   0  6 1970-01-01T00:00:00Z \\xff\\xfe',
        '',
      ].join('\n'),
    )
    expect(await ls(image, '2:/@home', '-l')).toContain('drwxrwxrwt 1 0 0  0 1969-12-31T23:59:59Z sticky\n')
  })

  test('of a file, and of a symlink', async () => {
    expect(await ls(image, '2:/@/etc/passwd')).toBe('/@/etc/passwd\n')
    expect(await ls(image, '2:/@/etc/link', '-l')).toBe(
      'lrwxrwxrwx 1 0 0 6 1970-01-01T00:00:00Z /@/etc/link -> passwd\n',
    )
  })

  test('-R goes all the way down', async () => {
    expect(await ls(image, '2:/@home', '-R')).toBe(
      '/@home:\nme\nsticky\n\n/@home/me:\nnoise\n\n/@home/sticky:\n',
    )
    const list = JSON.parse(await ls(image, '2:', '-R', '--json')) as Record<string, unknown>[]
    expect(list).toContainEqual({
      path: '/@/etc/passwd',
      type: 'file',
      mode: '0640',
      uid: 1000,
      gid: 100,
      nlink: 1,
      size: 11,
      mtime: '1970-01-01T00:00:00.000000000Z',
      atime: '1970-01-01T00:00:00.000000000Z',
      ctime: '1970-01-01T00:00:00.000000000Z',
      birthtime: '1970-01-01T00:00:00.000000000Z',
      inode: expect.any(Number) as number,
    })
    expect(list).toContainEqual(
      expect.objectContaining({ path: '/@/etc/\\xff\\xfe', pathBytes: '2f402f6574632ffffe' }),
    )
    expect(list).toContainEqual(expect.objectContaining({ path: '/@home', subvolume: 257 }))
    expect(list).toContainEqual(expect.objectContaining({ path: '/@/dev/null', major: 1, minor: 3 }))
  })

  test('of FAT', async () => {
    expect(await ls(image, 'BOOT:/')).toBe('config.txt\n')
  })

  test.each([
    ['a partition that is not there', ['3:/'], 1, /no partition "3": found 1 "BOOT", 2 "ROOT"/],
    ['a path that is not there', ['2:/@/no\x1b[31m'], 1, /"\/@" has no "no\\x1b\[31m"/],
    ['no partition where there are two', ['/etc'], 2, /expected PART:PATH/],
  ])('tells %s in one line', async (_, args, code, message) => {
    const { exit, stdout, stderr } = await diskwright(['ls', image, ...args])
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^diskwright: [^\n]+\n$/)
    expect({ exit, stdout }).toEqual({ exit: code, stdout: '' })
  })

  test('tells an image that is not there', async () => {
    const { exit, stderr } = await diskwright(['ls', join(folder, 'none.img')])
    expect(stderr).toMatch(/^diskwright: .*none\.img.*\n$/)
    expect(exit).toBe(1)
  })
})

describe('cat', () => {
  const cat = async (place: string) => {
    const { exit, stdout, stderr } = await diskwright(['cat', packed, place])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    return stdout
  }

  test('prints files, symlinks followed', async () => {
    expect(await cat('2:/@/etc/passwd')).toBe('root:x:0:0\n')
    expect(await cat('2:/@/etc/link')).toBe('root:x:0:0\n')
    expect(await cat('1:/config.txt')).toBe('arm_64bit=1\n')
    expect((await cat('2:/@/bin/sh')).length).toBe(300_000)
  })

  test('takes bytes that are not text as they are shown', async () => {
    expect(await cat('2:/@/etc/\\xff\\xfe')).toBe('bytes\n')
    expect(await cat('2:/@/etc/a\\x0ab\\x1b[31m')).toBe('odd\n')
  })

  test('of a directory is told', async () => {
    const { exit, stdout, stderr } = await diskwright(['cat', image, '2:/@/etc'])
    expect(stderr).toMatch(/^diskwright: .*expected a file, found a directory\n$/)
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' })
  })
})
