/** nix/first-boot.sh on a disk that it may grow, with the real tools; and what is left when it is interrupted. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { runWhenFree, unmount } from '../judges/mounted.ts'
import { REPOSITORY } from '../judges/nix.ts'
import { findTool, mustRun, requireJudge, runTool } from '../judges/run-tool.ts'

const SCRIPT = join(REPOSITORY, 'nix/first-boot.sh')
const MIB = 2 ** 20
/** What the script calls that changes something, or may fail; in the order of its calls. */
const STEPS = ['findmnt', 'sfdisk', 'partx', 'btrfs', 'nix-store', 'sync', 'rm', 'sync']
const MBR =
  'label: dos\nlabel-id: 0x2178694e\nstart=1MiB,size=1MiB,type=c\nstart=2MiB,size=128MiB,type=83,bootable\n'
const GPT = 'label: gpt\nstart=1MiB,size=1MiB,type=uefi\nstart=2MiB,size=127MiB\n'
const STORE_PATHS = ['0'.repeat(32) + '-a', '1'.repeat(32) + '-b'].map((name) => `/nix/store/${name}`)
const REGISTRATION = STORE_PATHS.map((path, i) => `${path}\n${String(i).repeat(64)}\n1234\n\n0\n`).join('')

test('the script is one that bash reads', async () => {
  await mustRun('bash', ['-n', SCRIPT])
})

test.skipIf(!requireJudge('shellcheck'))('shellcheck has nothing to say', async () => {
  await mustRun('shellcheck', ['--shell=bash', SCRIPT])
})

const canRun = [canJudgeWithKernel(), requireJudge('nix-store'), requireJudge('sfdisk')].every(Boolean)

describe.skipIf(!canRun)('on a disk of 320 MiB with an image of 130 MiB', () => {
  let folder: string
  let wanted: Awaited<ReturnType<typeof stateOf>>

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-first-boot-'))
    mkdirSync(join(folder, 'mount'))
    mkdirSync(join(folder, 'bin'))
    for (const name of new Set(STEPS)) writeStep(name)
    await makeImage()
    await withDisk(async () => {
      const { code, stderr } = await firstBoot()
      expect({ code, stderr }).toMatchObject({ code: 0 })
      wanted = await stateOf()
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const at = (...names: string[]) => join(folder, ...names)

  /** A command that counts, and at a step that is asked for ends the script as a loss of power does, or fails. */
  function writeStep(name: string): void {
    const text = `#!/bin/bash
step=$(( $(cat "${at('count')}") + 1 ))
echo $step > "${at('count')}"
echo ${name} >> "${at('calls')}"
if [ "$step" = "$FAIL_AT" ]; then
  case $HOW in
    before) kill -9 "$SCRIPT_PID"; exit 1 ;;
    fails) exit 1 ;;
    after) ${findTool(name)} "$@"; kill -9 "$SCRIPT_PID"; exit 1 ;;
  esac
fi
exec ${findTool(name)} "$@"
`
    writeFileSync(at('bin', name), text)
    chmodSync(at('bin', name), 0o755)
  }

  async function makeImage(table = MBR): Promise<void> {
    writeFileSync(at('base.img'), '')
    await mustRun('truncate', ['-s', `${130 * MIB}`, at('base.img')])
    await mustRun('sfdisk', ['--quiet', at('base.img')], { input: table })
    const device = await attach('base.img')
    try {
      await mustRun('mkfs.btrfs', ['-q', '-L', 'NIXOS_SD', `${device}p2`])
      await mustRun('mount', [`${device}p2`, at('mount')])
      writeFileSync(at('mount/nix-path-registration'), REGISTRATION)
      await unmount(at('mount'))
    } finally {
      await detach(device)
    }
  }

  /** With its partitions: not every kernel reads the table by itself. */
  async function attach(image: string): Promise<string> {
    const { stdout } = await mustRun('losetup', ['--find', '--show', at(image)])
    const device = stdout.trim()
    await mustRun('partx', ['--add', device])
    return device
  }

  async function detach(device: string): Promise<void> {
    await runTool('btrfs', ['device', 'scan', '--forget', `${device}p2`])
    // What is mounted no more may be held for a moment; of several partitions those are left that were held.
    for (const number of ['1', '2']) await runWhenFree('partx', ['--delete', '--nr', number, device])
    await mustRun('losetup', ['--detach', device])
  }

  /** Works with a card that a fresh image was written to. */
  async function withDisk(work: () => Promise<void>): Promise<void> {
    await mustRun('cp', ['--sparse=always', at('base.img'), at('disk.img')])
    await mustRun('truncate', ['-s', `${320 * MIB}`, at('disk.img')])
    await work()
  }

  /** From switching on to switching off. */
  async function switchedOn<T>(work: () => Promise<T>): Promise<T> {
    const device = await attach('disk.img')
    try {
      await mustRun('mount', [`${device}p2`, at('mount')])
      try {
        return await work()
      } finally {
        await unmount(at('mount'))
      }
    } finally {
      await detach(device)
    }
  }

  function firstBoot(failAt = 0, how = ''): Promise<{ code: number; stderr: string; calls: string[] }> {
    return switchedOn(async () => {
      writeFileSync(at('count'), '0\n')
      writeFileSync(at('calls'), '')
      const { code, stderr } = await runTool(
        'bash',
        ['-c', `bash -c 'export SCRIPT_PID=$$; exec bash "$0" "$1"' "$0" "$1"; exit $?`, SCRIPT, at('mount')],
        {
          env: {
            PATH: `${at('bin')}:${process.env.PATH}:/usr/sbin:/sbin`,
            NIX_REMOTE: `local?root=${at('mount')}`,
            NIX_CONFIG: 'build-users-group =',
            FAIL_AT: String(failAt),
            HOW: how,
          },
        },
      )
      return { code, stderr, calls: readFileSync(at('calls'), 'utf8').split('\n').slice(0, -1) }
    })
  }

  async function stateOf() {
    const { stdout: table } = await mustRun('sfdisk', ['--dump', at('disk.img')])
    return switchedOn(async () => {
      const { stdout: usage } = await mustRun('btrfs', ['filesystem', 'usage', '-b', at('mount')])
      const { stdout: database } = await mustRun('nix-store', ['--dump-db'], {
        env: { NIX_REMOTE: `local?root=${at('mount')}`, NIX_CONFIG: 'build-users-group =' },
      })
      return {
        table,
        size: Number(/Device size:\s+(\d+)/.exec(usage)?.[1]),
        database,
        isToBeDone: existsSync(at('mount/nix-path-registration')),
      }
    })
  }

  test('partition and file system take all of it, the store is registered, the mark is gone', () => {
    expect(wanted.isToBeDone).toBe(false)
    expect(wanted.size).toBe(318 * MIB)
    for (const path of STORE_PATHS) expect(wanted.database).toContain(path)
    const [first, second] = wanted.table.split('\n').filter((line) => line.includes('start='))
    expect(first).toMatch(/start=\s+2048, size=\s+2048, type=c$/)
    expect(second).toMatch(/start=\s+4096, size=\s+651264, type=83, bootable$/)
  })

  test('takes these steps, and none when it is done', async () => {
    await withDisk(async () => {
      expect((await firstBoot()).calls).toEqual(STEPS)
      expect(await firstBoot()).toEqual({ code: 0, stderr: '', calls: [] })
      expect(await stateOf()).toEqual(wanted)
    })
  })

  // Ended after a step is ended before the next one, but for the one that takes the mark away.
  const cases = STEPS.flatMap((name, i) => {
    const step = i + 1
    const fails = ['sfdisk', 'btrfs', 'nix-store', 'rm'].includes(name) ? [{ how: 'fails', name, step }] : []
    const after = name === 'rm' ? [{ how: 'after', name, step }] : []
    return [{ how: 'before', name, step }, ...fails, ...after]
  })
  test.each(cases)('step $step, $name: $how; the next boot makes up for it', async ({ how, step }) => {
    await withDisk(async () => {
      const first = await firstBoot(step, how)
      expect(first.code).not.toBe(0)
      const isDone = step === STEPS.length || how === 'after'
      if (how !== 'fails') expect(first.calls).toHaveLength(step)
      expect((await stateOf()).isToBeDone).toBe(!isDone)
      const second = await firstBoot()
      expect(second).toMatchObject({ code: 0, calls: isDone ? [] : STEPS })
      expect(await stateOf()).toEqual(wanted)
    })
  })

  test('a GPT grows as well, and its backup is at the end of the disk', async () => {
    await makeImage(GPT)
    try {
      await withDisk(async () => {
        expect(await firstBoot()).toMatchObject({ code: 0, calls: STEPS })
        const { size, table, isToBeDone } = await stateOf()
        expect(isToBeDone).toBe(false)
        // The last 33 sectors are those of the backup; BTRFS has whole blocks.
        expect(size).toBe(318 * MIB - 5 * 4096)
        expect(table).toMatch(/^last-lba: 655326$/m)
      })
    } finally {
      await makeImage()
    }
  })

  test('a disk that cannot grow keeps no system from its database', async () => {
    await withDisk(async () => {
      const { code, stderr, calls } = await firstBoot(2, 'fails')
      expect(code).toBe(1)
      expect(stderr).toContain('the next boot tries again')
      expect(calls).toEqual(['findmnt', 'sfdisk', 'nix-store'])
      expect((await stateOf()).database).toBe(wanted.database)
    })
  })

  /** What a loss of power can leave of Nix's database: files without their content, or without one another. */
  const torn: Record<string, (database: string) => void> = {
    'an empty schema': (database) => writeFileSync(join(database, 'schema'), ''),
    'a schema without a database': (database) => rmSync(join(database, 'db.sqlite')),
    'an empty database': (database) => writeFileSync(join(database, 'db.sqlite'), ''),
    'a database that ends early': (database) => truncateSync(join(database, 'db.sqlite'), 4096),
  }
  test.each(Object.keys(torn))('%s is made anew', async (what) => {
    await withDisk(async () => {
      expect((await firstBoot(STEPS.indexOf('rm') + 1, 'before')).code).not.toBe(0)
      await switchedOn(() => {
        const database = at('mount/nix/var/nix/db')
        for (const log of ['db.sqlite-wal', 'db.sqlite-shm']) rmSync(join(database, log), { force: true })
        torn[what](database)
        return Promise.resolve()
      })
      const { code, stderr } = await firstBoot()
      expect({ code, stderr }).toMatchObject({ code: 0 })
      expect(stderr).toContain('it is made anew')
      expect(await stateOf()).toEqual(wanted)
    })
  })

  test('a database that Nix can read stays, whatever the registration is', async () => {
    await withDisk(async () => {
      const more = `/nix/store/${'2'.repeat(32)}-c`
      await firstBoot(STEPS.indexOf('rm') + 1, 'before')
      await switchedOn(async () => {
        await mustRun('nix-store', ['--load-db'], {
          env: { NIX_REMOTE: `local?root=${at('mount')}`, NIX_CONFIG: 'build-users-group =' },
          input: `${more}\n${'2'.repeat(64)}\n1234\n\n0\n`,
        })
        writeFileSync(at('mount/nix-path-registration'), 'not a registration\n')
      })
      expect((await firstBoot()).code).toBe(1)
      expect((await stateOf()).database).toContain(more)
    })
  })
})
