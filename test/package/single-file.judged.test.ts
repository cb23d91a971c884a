/** The command as a single file, alone in a folder. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  canJudgePackages,
  NODE_VERSIONS,
  nodeProgram,
  packageVersion,
  REPOSITORY,
} from '../judges/npm-package.ts'
import { mustRun, runTool } from '../judges/run-tool.ts'
import { sha256, writeSample } from './sample.ts'

const OUTPUTS = ['disk.img', 'disk.img.zst']

describe.runIf(canJudgePackages())('the command as a single file', () => {
  let folder: string
  let made: string
  /** SHA-256 of the outputs, as the command of dist/ writes them. */
  let expected: string[]
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-single-'))
    made = join(folder, 'made')
    await make(made, '--executable', '--node', nodeProgram('26'))
    expected = await build('package', [process.execPath, join(REPOSITORY, 'dist/cli/main.js')])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const make = (target: string, ...options: string[]) =>
    mustRun(process.execPath, [join(REPOSITORY, 'scripts/single-file.mjs'), ...options, target])

  /** Builds the sample in a folder of its own. @returns the SHA-256 of the outputs */
  async function build(name: string, command: readonly string[]): Promise<string[]> {
    const work = join(folder, name)
    mkdirSync(work, { recursive: true })
    writeSample(work)
    for (const output of OUTPUTS) {
      const { code, stdout, stderr } = await run(work, command, [
        ...['build', 'spec.json', '-o', output, '--workers', '2', '--json'],
      ])
      expect(code, stderr).toBe(0)
      // Without threads there would be a notice; Node itself tells of each that it starts.
      expect(JSON.parse(stdout)).toMatchObject({ findings: [] })
      expect(stderr.match(/instantiating Worker/g)?.length).toBeGreaterThan(0)
    }
    return OUTPUTS.map((output) => sha256(join(work, output)))
  }

  const run = (work: string, command: readonly string[], args: readonly string[]) =>
    runTool('/usr/bin/env', ['-C', work, ...command, ...args], {
      env: { PATH: '/usr/bin/nothing', NODE_DEBUG: 'worker' },
    })

  /** Uses the command in every way that loads something. */
  async function useAll(name: string, command: readonly string[]): Promise<void> {
    const work = join(folder, name)
    expect((await run(work, command, ['--version'])).stdout).toBe(`${packageVersion()}\n`)
    expect(await build(name, command)).toEqual(expected)
    const must = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(work, command, args)
      expect(code, stderr).toBe(0)
      return stdout
    }
    expect(await must('verify', 'disk.img.zst')).toContain('sound')
    expect(await must('ls', 'disk.img.zst', '2:/zstd')).toBe('noise\ntext\n')
    await must('extract', 'disk.img', '2:/', '-o', 'out')
    await must('extract', 'disk.img', '2:/', '--tar', 'out.tar.zst')
    const own = readFileSync(join(folder, 'package', 'root.tar'))
    expect(own.includes(readFileSync(join(work, 'out/lzo/noise')))).toBe(true)
    await must('inspect', 'disk.img', '--html', 'report.html')
    expect(readFileSync(join(work, 'report.html'), 'utf8')).toContain('</html>')
    expect(JSON.parse(await must('schema'))).toHaveProperty('$id')
  }

  test.each(NODE_VERSIONS)('does what the package does, with Node %s and no other file', async (version) => {
    const alone = join(folder, `node-${version}`)
    mkdirSync(alone)
    copyFileSync(join(made, 'diskwright.mjs'), join(alone, 'diskwright.mjs'))
    expect(readdirSync(alone)).toEqual(['diskwright.mjs'])
    await useAll(`node-${version}`, [nodeProgram(version), 'diskwright.mjs'])
  })

  test.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'does it without Node, as an executable',
    async () => {
      mkdirSync(join(folder, 'executable'))
      await useAll('executable', [join(made, 'diskwright')])
    },
  )

  test('has the licences of what is in it', () => {
    const text = readFileSync(join(made, 'diskwright.mjs'), 'utf8')
    for (const name of ['commander', 'fflate', 'pako', 'uuid', 'yaml', 'zod']) {
      expect(text).toContain(`\n${name}\n\n`)
    }
  })

  test('is made of the same bytes by the same sources', async () => {
    await make(join(folder, 'again'))
    expect(sha256(join(folder, 'again/diskwright.mjs'))).toBe(sha256(join(made, 'diskwright.mjs')))
  })

  test('an executable takes a Node that can make one', async () => {
    const script = join(REPOSITORY, 'scripts/single-file.mjs')
    const args = [script, '--executable', '--node', nodeProgram('20'), join(folder, 'refused')]
    const { code, stderr } = await runTool(process.execPath, args)
    expect(code).toBe(1)
    expect(stderr).toContain('expected 25.5 or newer')
  })
})
