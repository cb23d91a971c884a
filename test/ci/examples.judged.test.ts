/** The examples for continuous integration: their scripts run. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { inFolder } from '../images/build.ts'
import { mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import { buildTar } from '../tar/build-tar.ts'
import { putCommand } from './put-command.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples/ci')
const DESCRIPTION = {
  seed: 'ci',
  table: { type: 'gpt' },
  partitions: [{ type: 'btrfs', size: 'fit', sources: [{ files: { '/hello': 'hi\n' } }] }],
}
const QEMU = '#!/bin/sh\necho login:\nexec sleep 60\n'
const QEMU_IMG = '#!/bin/sh\n[ "$1" != create ] || cp "$6" "$9"\n'
const UEFI = (folder: string) => ({
  'interface-types': ['uefi'],
  mapping: {
    device: 'flash',
    executable: { filename: join(folder, 'code.fd'), format: 'raw' },
    'nvram-template': { filename: join(folder, 'vars.fd'), format: 'raw' },
  },
  targets: [{ architecture: 'x86_64', machines: ['pc-q35-*'] }],
  features: [],
})

interface Job {
  folder: string
  /** Runs a script as a job of a pipeline. */
  run: (script: string, variables?: Record<string, string>) => ReturnType<typeof runTool>
}

/** A folder with a description and content, the command on PATH, and programs in place of QEMU's. */
function inJob(work: (job: Job) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    putCommand(bin)
    for (const [name, script] of Object.entries({ 'qemu-system-x86_64': QEMU, 'qemu-img': QEMU_IMG })) {
      writeFileSync(join(bin, name), script)
      chmodSync(join(bin, name), 0o755)
    }
    mkdirSync(join(folder, 'config/qemu/firmware'), { recursive: true })
    writeFileSync(join(folder, 'config/qemu/firmware/00.json'), JSON.stringify(UEFI(folder)))
    for (const name of ['code.fd', 'vars.fd']) writeFileSync(join(folder, name), '')
    writeFileSync(join(folder, 'image.json'), JSON.stringify(DESCRIPTION))
    writeFileSync(join(folder, 'root.tar'), buildTar([{ path: 'a', type: 'file', content: 'b' }]))
    await work({
      folder,
      run: (script, variables = {}) =>
        runTool('env', ['-C', folder, 'bash', '-euo', 'pipefail', '-c', script], {
          env: {
            ...variables,
            PATH: [bin, process.env.PATH].join(delimiter),
            XDG_CONFIG_HOME: join(folder, 'config'),
          },
        }),
    })
  })
}

test('shell/build-image.sh builds, verifies, builds again and boots', async () => {
  await inJob(async ({ folder, run }) => {
    const script = join(EXAMPLES, 'shell/build-image.sh')
    const { code, stdout, stderr } = await run(`"${script}" image.json out/disk.img.zst q35 login:`)
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toContain('login:')
    await mustRun('env', ['-C', join(folder, 'out'), 'sha256sum', '--check', 'disk.img.zst.sha256'])
    const result = JSON.parse(readFileSync(join(folder, 'out/disk.img.zst.json'), 'utf8')) as object
    expect(result).toMatchObject({ format: 'img.zst' })
    expect((await run(`"${script}" gone.json out/b.img`)).code).not.toBe(0)
  })
})

test('gitlab: the jobs run one after the other', async () => {
  const { variables, ...jobs } = parse(readFileSync(join(EXAMPLES, 'gitlab/.gitlab-ci.yml'), 'utf8')) as {
    variables: Record<string, string>
  } & Record<string, { script?: string[]; stage?: string }>
  await inJob(async ({ run }) => {
    const given = { ...variables, DISK: variables.DISK.replace('$CI_COMMIT_SHORT_SHA', '1234abcd') }
    for (const name of ['build', 'boot', 'reproducible']) {
      const { code, stderr } = await run(jobs[name].script!.join('\n'), given)
      expect({ name, code, stderr: code === 0 ? '' : stderr }).toEqual({ name, code: 0, stderr: '' })
    }
  })
})

test.skipIf(!requireJudge('shellcheck'))('shellcheck has nothing to say', async () => {
  await mustRun('shellcheck', [join(EXAMPLES, 'shell/build-image.sh')])
})
