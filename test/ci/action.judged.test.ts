/** action.yml: its steps run as a job would run them. */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { buildTar } from '../tar/build-tar.ts'
import { inFolder } from '../images/build.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { putCommand } from './put-command.ts'
import { readAction } from './action-file.ts'
import { runAction, type ActionRun } from './run-action.ts'

const ROOT = join(import.meta.dirname, '../..')
const DESCRIPTION = {
  seed: 'ci',
  table: { type: 'gpt' },
  partitions: [{ type: 'btrfs', label: 'A|B', size: 'fit', sources: [{ tar: 'root.tar' }] }],
}

/** In place of QEMU: says what it was asked, and what is expected. */
const QEMU = `#!/bin/sh
echo "$@" >> "$asked"
echo login:
exec sleep 60
`
const QEMU_IMG = '#!/bin/sh\n[ "$1" != create ] || cp "$6" "$9"\n'

interface Job {
  folder: string
  run: (inputs: Record<string, string>) => Promise<ActionRun>
  /** Calls of QEMU. */
  asked: () => string[]
}

/** A workspace with content and a description. What is installed is this repository's build. */
function inJob(work: (job: Job) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const [workspace, temp, bin] = ['workspace', 'temp', 'bin'].map((name) => join(folder, name))
    for (const path of [workspace, bin]) mkdirSync(path)
    const tar = buildTar([{ path: 'hello', type: 'file', content: 'hi\n' }])
    writeFileSync(join(workspace, 'root.tar'), tar)
    writeFileSync(join(workspace, 'image.json'), JSON.stringify(DESCRIPTION))
    writeFileSync(join(workspace, 'bad.json'), '{\n  "seed": "x",\n  "labl": "y%"\n}')
    writeFileSync(join(workspace, 'u-boot.bin'), 'u-boot')
    for (const [name, script] of Object.entries({ 'qemu-system-aarch64': QEMU, 'qemu-img': QEMU_IMG })) {
      writeFileSync(join(bin, name), script)
      chmodSync(join(bin, name), 0o755)
    }
    const asked = join(folder, 'asked')
    const env = { PATH: [bin, process.env.PATH].join(delimiter), asked }
    await work({
      folder: workspace,
      async run(inputs) {
        rmSync(temp, { recursive: true, force: true })
        // What is there is not installed.
        const programs = join(temp, 'diskwright/tool/node_modules/.bin')
        mkdirSync(programs, { recursive: true })
        putCommand(programs)
        return runAction({ inputs, workspace, temp, cache: join(folder, 'cache'), env })
      },
      asked: () => (existsSync(asked) ? readFileSync(asked, 'utf8').trimEnd().split('\n') : []),
    })
  })
}

const MALICIOUS = "it's $(touch injected) `touch injected`.img"

test('an image is built, verified and attached', async () => {
  await inJob(async ({ folder, run }) => {
    const { succeeded, log, outputs, summary, used, ran } = await run({
      'image-description': 'image.json',
      output: 'out/disk.img.zst',
      args: "--output-level 5 --seed-is-no-option'",
    })
    expect({ succeeded, log }).toMatchObject({ succeeded: false })
    expect(log).toContain('::error::cannot be split into arguments')
    expect(ran).toEqual(['Check the inputs', 'Report'])
    expect([outputs.image, used['actions/upload-artifact']]).toEqual(['', undefined])
    expect(summary).toContain('No disk image')

    const good = await run({
      'image-description': 'image.json',
      output: 'out/disk.img.zst',
      args: '--output-level "5"',
    })
    expect({ log: good.log, succeeded: good.succeeded }).toMatchObject({ succeeded: true })
    const { stdout } = await mustRun('sha256sum', [join(folder, 'out/disk.img.zst')])
    expect(good.outputs.sha256).toBe(stdout.split(' ')[0])
    expect(readFileSync(join(folder, 'out/disk.img.zst.sha256'), 'utf8')).toBe(
      `${good.outputs.sha256}  disk.img.zst\n`,
    )
    expect(JSON.parse(good.outputs.result)).toMatchObject({
      image: 'out/disk.img.zst',
      sha256: good.outputs.sha256,
      build: { partitions: [{ type: 'btrfs', files: 1 }] },
      verify: { counts: { error: 0 } },
    })
    expect(good.summary).toContain('sound, all checksums are correct; not booted.')
    expect(good.summary).toMatch(
      /^\| 1 \| BTRFS \| A\\\|B \| 1 MiB \| \S+ MiB \| 1 file, 1 directory, 3 bytes \|$/m,
    )
    expect(good.used['actions/upload-artifact']).toMatchObject([{ name: 'disk-image' }])
    expect(readdirSync(good.used['actions/upload-artifact'][0].path).sort()).toEqual([
      ...['build.json', 'build.log', 'disk.img.zst', 'disk.img.zst.sha256', 'result.json', 'verify.json'],
    ])
  })
})

test('content gets a preset, and nothing in an input is run', async () => {
  await inJob(async ({ folder, run }) => {
    const { succeeded, log, outputs, summary, used } = await run({
      content: 'root.tar',
      output: MALICIOUS,
      args: '--preset plain --seed "$(touch injected)"',
      artifact: '',
    })
    expect({ log, succeeded }).toMatchObject({ succeeded: true })
    expect(outputs.image).toBe(MALICIOUS)
    expect(summary).toContain('touch injected')
    expect(existsSync(join(folder, 'injected'))).toBe(false)
    expect(used['actions/upload-artifact']).toBeUndefined()
  })
})

test('a mistake in a description is an annotation of its line', async () => {
  await inJob(async ({ run }) => {
    const { succeeded, log } = await run({ 'image-description': 'bad.json' })
    expect(succeeded).toBe(false)
    expect(log).toMatch(/^::error file=bad\.json,line=3,col=3::labl: unknown key/m)
  })
})

test('an image boots once: the same bytes are not booted again', async () => {
  await inJob(async ({ folder, run, asked }) => {
    const inputs = {
      'image-description': 'image.json',
      boot: 'virt',
      'boot-args': '--uboot u-boot.bin',
      'boot-expect': 'login:',
    }
    const first = await run(inputs)
    expect({ log: first.log, succeeded: first.succeeded }).toMatchObject({ succeeded: true })
    expect(asked()).toHaveLength(1)
    expect(JSON.parse(first.outputs.result)).toMatchObject({ boot: { machine: 'virt', outcome: 'expected' } })
    expect(first.summary).toContain('boots on virt.')
    const second = await run(inputs)
    expect(second.ran).not.toContain('Boot the image')
    expect(second.summary).toContain('boots on virt (in an earlier run, with the same image).')
    expect(second.outputs).toEqual(first.outputs)
    // Other firmware is another boot.
    writeFileSync(join(folder, 'u-boot.bin'), 'other')
    await run(inputs)
    expect(asked()).toHaveLength(2)
    const failed = await run({ ...inputs, 'boot-expect': 'ready', 'boot-timeout': '1' })
    expect(failed.succeeded).toBe(false)
    expect(failed.log).toContain(
      '::error::disk.img.zst did not boot on virt: diskwright: "ready" did not appear after 1 second',
    )
    expect(failed.summary).toContain('**does not boot** on virt')
  })
})

test.each<[string, Record<string, string>, string]>([
  ['neither a description nor content', {}, 'give image-description or content'],
  ['both', { 'image-description': 'image.json', content: 'root.tar' }, 'not both'],
  ['a file that is not there', { content: 'gone.tar' }, 'gone.tar: no such file or directory'],
  ['another format', { content: 'root.tar', output: 'disk.iso' }, 'must end in .img or .img.zst'],
  ['an unknown machine', { content: 'root.tar', boot: 'pi9' }, 'boot must be q35'],
  ['a tag as a version', { content: 'root.tar', version: 'latest' }, 'version must be like 1.2.3'],
  ['an unknown check', { content: 'root.tar', verify: 'yes' }, 'verify must be true, boot or false'],
  ['a time that is none', { content: 'root.tar', 'boot-timeout': '5m' }, 'boot-timeout must be a number'],
])('%s is an error before anything is installed', async (_, inputs, message) => {
  await inJob(async ({ run }) => {
    const { log, ran } = await run(inputs)
    expect(log).toMatch(/^::error::/)
    expect(log).toContain(message)
    expect(ran).toEqual(['Check the inputs', 'Report'])
  })
})

test('a package is installed, and kept in the cache', async () => {
  await inFolder(async (folder) => {
    const workspace = join(folder, 'workspace')
    mkdirSync(workspace)
    writeFileSync(join(workspace, 'root.tar'), buildTar([{ path: 'a', type: 'file', content: 'b' }]))
    await mustRun('npm', ['pack', ROOT, '--ignore-scripts', '--silent', '--pack-destination', workspace])
    const [version] = readdirSync(workspace).filter((name) => name.endsWith('.tgz'))
    const job = () => {
      rmSync(join(folder, 'temp'), { recursive: true, force: true })
      return runAction({
        inputs: { content: 'root.tar', version, artifact: '' },
        workspace,
        temp: join(folder, 'temp'),
        cache: join(folder, 'cache'),
        env: { npm_config_prefer_offline: 'true' },
      })
    }
    const first = await job()
    expect({ log: first.log, succeeded: first.succeeded }).toMatchObject({ succeeded: true })
    const second = await job()
    expect(second.log.split('\n')[0]).toMatch(/^diskwright \d+\.\d+\.\d+ is installed$/)
    expect(second.outputs).toEqual(first.outputs)
  })
})

test('no input is part of a script', () => {
  const { runs } = readAction()
  for (const { run = '', shell } of runs.steps.filter(({ uses }) => uses === undefined)) {
    expect([run.includes('${{'), shell]).toEqual([false, 'bash'])
  }
})

test.skipIf(!requireJudge('shellcheck'))('shellcheck has nothing to say', async () => {
  const scripts = readdirSync(join(ROOT, 'action')).filter((name) => name.endsWith('.sh'))
  await mustRun('shellcheck', [
    ...['--external-sources', '--source-path=SCRIPTDIR'],
    ...scripts.map((name) => join(ROOT, 'action', name)),
  ])
})
