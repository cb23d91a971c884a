import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { linkSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { compareAll } from './compare-mounted.ts'
import { btrfsCheck, type BtrfsCheckOptions } from './btrfs-check.ts'
import { JUDGE_FOLDER, noise, plainFile, sizeOf } from './exercise.ts'
import type { ExpectedEntry, ExpectedTrees } from './expected.ts'
import { isReadOnly, withLoop, withMount } from './mounted.ts'
import { mustRun } from './run-tool.ts'

type Contents = Record<string, Uint8Array | undefined>

function synced(path: string | Buffer, flags: string, change: (fd: number) => void = () => undefined): void {
  const fd = openSync(path, flags)
  try {
    change(fd)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Works on files of a subvolume, each change followed by an fsync of the file, none by a commit.
 *
 * @returns what must be in the judge's folder, and what has become of the image's own files
 */
function writeAndSync(root: string, entries: readonly ExpectedEntry[], seed: number) {
  const at = (name: string) => join(root, JUDGE_FOLDER, name)
  const small = noise(700, seed)
  const large = noise(300_000, seed + 1)
  synced(at('new'), 'wx', (fd) => writeSync(fd, large))
  synced(at('appended'), 'a', (fd) => writeSync(fd, small))
  synced(at('truncated'), 'r+', (fd) => ftruncateSync(fd, 5000))
  renameSync(at('old name'), at('renamed'))
  synced(at('renamed'), 'r+')
  linkSync(at('linked'), at('link'))
  synced(at('linked'), 'r+')
  unlinkSync(at('deleted'))
  synced(join(root, JUDGE_FOLDER), 'r')

  const contents: Contents = {
    new: large,
    appended: Buffer.concat([large, small]),
    truncated: large.subarray(0, 5000),
    renamed: large,
    'old name': undefined,
    linked: large,
    link: large,
    deleted: undefined,
  }
  const changed = new Map<ExpectedEntry, Uint8Array>()
  for (const entry of entries.filter((entry) => plainFile(entry) && sizeOf(entry) > 0).slice(0, 5)) {
    const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(entry.path, 'latin1')])
    const content = readFileSync(path)
    const patch = noise(Math.min(9000, content.length), seed + 2)
    content.set(patch, content.length - patch.length)
    synced(path, 'r+', (fd) => writeSync(fd, patch, 0, patch.length, content.length - patch.length))
    changed.set(entry, content)
  }
  return { contents, changed }
}

function prepare(root: string, seed: number): void {
  const folder = join(root, JUDGE_FOLDER)
  mkdirSync(folder)
  for (const name of ['appended', 'truncated', 'old name', 'linked', 'deleted']) {
    synced(join(folder, name), 'wx', (fd) => writeSync(fd, noise(300_000, seed + 1)))
  }
}

function compareContents(root: string, contents: Contents): void {
  for (const [name, wanted] of Object.entries(contents)) {
    let found: Uint8Array | undefined
    try {
      found = readFileSync(join(root, JUDGE_FOLDER, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const isSame = wanted === undefined ? found === undefined : found && Buffer.compare(found, wanted) === 0
    if (!isSame) {
      const sizes = `${wanted?.length ?? 'nothing'}, found ${found?.length ?? 'nothing'}`
      throw new Error(`${root}/${name}: after the power cut: expected ${sizes} (bytes), or other bytes`)
    }
  }
}

export interface CrashOptions {
  /** Work in it before the power goes: makes room where there is none. */
  before?: (top: string, device: string) => Promise<void>
  check: BtrfsCheckOptions | false
}

/**
 * Cuts the power: writes into a BTRFS file system (a file that is nothing else, written to), syncs files, and copies the file while
 * it is mounted. The kernel must replay the log of the copy, with all that was synced in it, and `btrfs check`
 * find it sound then.
 *
 * @param size in bytes, with what `before` makes of it
 * @throws Error when there is no log, or something is not as it was synced
 */
export async function judgeCrash(
  file: string,
  size: number,
  expected: ExpectedTrees,
  folder: string,
  { before, check }: CrashOptions,
): Promise<void> {
  const cut = `${file}-cut`
  const written = new Map<string, Contents>()
  const left = new Map(expected)
  try {
    await withLoop(file, { start: 0, size }, false, (device) =>
      // No commit by the clock.
      withMount(device, 'rw,subvolid=5,commit=300', folder, async (top) => {
        await before?.(top, device)
        const writable: string[] = []
        for (const name of expected.keys()) {
          if (!(await isReadOnly(join(top, name)))) writable.push(name)
        }
        writable.forEach((name, i) => prepare(join(top, name), i * 10 + 1))
        await mustRun('sync', ['-f', top])
        for (const [i, name] of writable.entries()) {
          const entries = expected.get(name)!
          const { contents, changed } = writeAndSync(join(top, name), entries, i * 10 + 1)
          written.set(name, contents)
          left.set(
            name,
            entries.map((entry) => {
              const content = changed.get(entry)
              // The judge's folder lies in the root, and changed its times.
              if (content === undefined && entry.path !== '') return { ...entry, atime: undefined }
              const changes = content && { content, size: undefined, sha256: undefined }
              return { ...entry, ...changes, mtime: undefined, atime: undefined, ctime: undefined }
            }),
          )
        }
        await mustRun('cp', ['--sparse=always', file, cut])
      }),
    )
    const { stdout } = await mustRun('btrfs', ['inspect-internal', 'dump-super', cut])
    if (!/^log_root\t+[1-9]/m.test(stdout)) throw new Error(`no log to replay:\n${stdout}`)
    await withLoop(cut, { start: 0, size }, false, async (device) => {
      await withMount(device, 'rw,subvolid=5', folder, (top) => {
        for (const [name, contents] of written) compareContents(join(top, name), contents)
        return Promise.resolve()
      })
      await compareAll(device, left, folder, [])
    })
    if (check !== false) await btrfsCheck(cut, { start: 0, size }, check)
  } finally {
    rmSync(cut, { force: true })
  }
}
