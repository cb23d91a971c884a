/** Files on their way to their names: permissions, durability, and nothing left behind. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../output/folder.ts'

/** Calls of the file system, in order; a test may make one fail. */
const calls: string[] = []
const failing = new Map<string, Error>()

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>()
  const noted =
    <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls.push(name)
      const error = failing.get(name)
      // A close that fails has closed the file all the same.
      if (error !== undefined && name.endsWith('close')) await work(...args)
      if (error !== undefined) throw error
      return work(...args)
    }
  return {
    ...real,
    rename: noted('rename', real.rename),
    link: noted('link', real.link),
    async open(path: string, ...rest: [string]) {
      const kind = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'directory' : 'file'
      const error = failing.get(`${kind} open`)
      if (error !== undefined) throw error
      const handle = await real.open(path, ...rest)
      handle.sync = noted(`${kind} sync`, handle.sync.bind(handle))
      handle.close = noted(`${kind} close`, handle.close.bind(handle))
      handle.chown = noted(`${kind} chown`, handle.chown.bind(handle))
      return handle
    },
  }
})

// The module may have been loaded by another file, with the file system as it is.
vi.resetModules()
const { OutputError } = await import('../../src/lib/errors.ts')
const { createBeside, createNameless } = await import('../../src/lib/temporary-file.ts')

const top = temporaryFolder()
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(top, 'case-'))
  path = join(folder, 'x.img')
  calls.length = 0
  failing.clear()
})

const isRoot = process.getuid?.() === 0
const modeOf = (file: string) => statSync(file).mode & 0o7777
const ioError = (message: string) => Object.assign(new Error(message), { code: 'EIO' })

async function replace(): Promise<void> {
  const { temporary, commit } = await createBeside(path, true)
  await temporary.handle.writeFile('new')
  await commit()
}

describe('a file that replaces another', () => {
  test.each([0o600, 0o640, 0o444, 0o666, 0o4755])('keeps its mode %o', async (mode) => {
    writeFileSync(path, 'old')
    chmodSync(path, mode)
    await replace()
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(modeOf(path)).toBe(mode)
  })

  test('is never open to more than the other while it is written', async () => {
    writeFileSync(path, 'old', { mode: 0o600 })
    const { temporary, discard } = await createBeside(path, true)
    expect(modeOf(temporary.path)).toBe(0o600)
    await discard()
  })

  test('keeps the mode of the file that a link leads to', async () => {
    writeFileSync(join(folder, 'real'), 'old', { mode: 0o600 })
    symlinkSync('real', path)
    await replace()
    expect(modeOf(join(folder, 'real'))).toBe(0o600)
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new')
  })

  test.skipIf(!isRoot)('keeps owner and group where that is permitted', async () => {
    writeFileSync(path, 'old')
    chownSync(path, 1234, 2345)
    chmodSync(path, 0o2750)
    await replace()
    expect(statSync(path)).toMatchObject({ uid: 1234, gid: 2345 })
    expect(modeOf(path)).toBe(0o2750)
  })

  test.skipIf(!isRoot)('gives no permissions to another group', async () => {
    writeFileSync(path, 'old')
    chownSync(path, 1234, 2345)
    chmodSync(path, 0o2664)
    failing.set('file chown', Object.assign(new Error('not permitted'), { code: 'EPERM' }))
    await replace()
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 0 })
    expect(modeOf(path)).toBe(0o604)
  })

  test('a new file has the usual mode', async () => {
    await replace()
    expect(modeOf(path)).toBe(0o666 & ~process.umask())
  })
})

describe('a file that gets its name', () => {
  test('is on the disk before, and so is its name after', async () => {
    await replace()
    expect(calls).toEqual(['file sync', 'file close', 'rename', 'directory sync', 'directory close'])
  })

  test('is on the disk before a link gives it its name', async () => {
    const { commit } = await createBeside(path, false)
    await commit()
    expect(calls.slice(0, 4)).toEqual(['file sync', 'file close', 'link', 'directory sync'])
    expect(readdirSync(folder)).toEqual(['x.img'])
  })

  test.each(['file sync', 'file close'])('does not when its %s fails, and is removed', async (call) => {
    failing.set(call, ioError('the disk is broken'))
    const { commit, discard } = await createBeside(path, false)
    const committed = commit()
    await expect(committed).rejects.toBeInstanceOf(OutputError)
    await expect(committed).rejects.toThrow(`${path}: cannot write: input/output error`)
    await discard().catch(() => undefined)
    expect(readdirSync(folder)).toEqual([])
  })

  test('is removed when closing it fails', async () => {
    failing.set('file close', ioError('close failed'))
    const { discard } = await createBeside(path, false)
    await expect(discard()).rejects.toThrow('close failed')
    expect(readdirSync(folder)).toEqual([])
  })

  test('gets it although directories cannot be synced', async () => {
    failing.set('directory sync', ioError('no directories'))
    await replace()
    failing.set('directory open', ioError('no directories'))
    await replace()
    expect(readdirSync(folder)).toEqual(['x.img'])
  })

  test('does not when it is too late', async () => {
    const { commit, discard } = await createBeside(path, false)
    const tooLate = () => {
      throw new Error('aborted')
    }
    await expect(commit(tooLate)).rejects.toThrow('aborted')
    expect(existsSync(path)).toBe(false)
    await discard()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a file without a name', () => {
  test('cannot be kept from being there by its possible names', async () => {
    for (let i = 0; i <= 1000; i++) {
      writeFileSync(join(folder, `diskwright-${process.pid}-${i}.partial`), '')
      mkdirSync(join(folder, `diskwright-${process.pid}-${i}`))
    }
    const before = readdirSync(folder)
    const { handle } = await createNameless(folder)
    await handle.write('content')
    expect(readdirSync(folder)).toEqual(before)
    expect((await handle.stat()).mode & 0o777).toBe(0o600)
    await handle.close()
  })

  test('leaves no folder behind when it cannot be opened', async () => {
    failing.set('file open', ioError('no file'))
    await expect(createNameless(folder)).rejects.toThrow(`${folder}: cannot write: input/output error`)
    expect(readdirSync(folder)).toEqual([])
  })

  test('names the folder that is missing', async () => {
    rmSync(folder, { recursive: true })
    await expect(createNameless(folder)).rejects.toThrow(`${folder}: cannot write: no such directory`)
  })
})

test('names beside a target cannot be guessed', async () => {
  const files = await Promise.all([createBeside(path, false), createBeside(path, false)])
  const names = files.map(({ temporary }) => temporary.path)
  expect(new Set(names).size).toBe(2)
  for (const name of names) expect(name).toMatch(/\/\.x\.img\.partial-[0-9a-f]{12}$/)
  for (const { discard } of files) await discard()
})
