/** Completions asked of the shells themselves, and manual pages of mandoc and man. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requireJudge } from '../judges/run-tool.ts'
import { MAIN } from './diskwright.ts'

const DIST_MAN = join(import.meta.dirname, '../../dist/man')

let folder: string
const scriptOf = (shell: string) => join(folder, `completion.${shell}`)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-completion-'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(scriptOf(shell), execFileSync(process.execPath, [MAIN, 'completion', shell]))
  }
  writeFileSync(join(folder, 'root fs.tar'), '')
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (program: string, args: readonly string[]) =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, HOME: folder } })

/** The candidates of bash for the last of the words. */
function bash(...words: string[]): string[] {
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _diskwright; printf '%s\\n' "\${COMPREPLY[@]}"`
  return run('bash', ['--norc', '-c', script, scriptOf('bash'), 'diskwright', ...words])
    .split('\n')
    .filter((line) => line !== '')
}

/** The candidates of fish for a line, without their descriptions. */
function fish(line: string): string[] {
  const script = `source $argv[1]; complete -C $argv[2]`
  return run('fish', ['--no-config', '-c', script, scriptOf('fish'), line])
    .split('\n')
    .flatMap((found) => (found === '' ? [] : [found.split('\t')[0]]))
}

/** What zsh shows on a terminal after a line and the key Tab. */
function zsh(line: string): string {
  const script = `
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z 'PROMPT=; setopt no_beep; autoload -Uz compinit; compinit -u -D; source '\${(q)1}'; cd '\${(q)3}'; print re""ady'
    zpty -r z output '*ready*'
    zpty -w -n z "$2"$'\\t\\C-a: \\C-e; print do""ne\\n'
    zpty -r z output '*done*'
    print -r -- $output
    zpty -d z`
  return run('zsh', ['-f', '-c', script, 'zsh', scriptOf('zsh'), line, folder])
}

describe.skipIf(!requireJudge('bash'))('bash', () => {
  test.each<[string[], string[]]>([
    [['bu'], ['build']],
    [['-'], ['-v', '--version', '-h', '--help']],
    [['build', '--pre'], ['--preset']],
    [
      ['build', '--preset', 'r'],
      ['raspberry-pi', 'raspberry-pi-os', 'rockchip'],
    ],
    [['build', '--preset', '=', 'u'], ['uefi']],
    [
      ['preset', ''],
      ['raspberry-pi', 'raspberry-pi-os', 'uefi', 'rockchip', 'allwinner', 'plain', 'a-b'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['build', 'roo'], ['root fs.tar']],
    [['build', '-o', 'x.img', '--closure', 'root'], ['root fs.tar']],
    [['help', 'pl'], ['plan']],
  ])('%j', (words, expected) => {
    expect(bash(...words)).toEqual(expected)
  })
})

describe.skipIf(!requireJudge('fish'))('fish', () => {
  test.each<[string, string[]]>([
    ['diskwright bu', ['build']],
    ['diskwright build --pre', ['--preset']],
    ['diskwright build --preset r', ['raspberry-pi', 'raspberry-pi-os', 'rockchip']],
    ['diskwright completion ', ['bash', 'fish', 'zsh']],
    ['diskwright build roo', ['root fs.tar']],
    ['diskwright help pl', ['plan']],
  ])('%s', (line, expected) => {
    expect(fish(line).sort()).toEqual(expected)
  })
})

describe.skipIf(!requireJudge('zsh'))('zsh', () => {
  test.each<[string, RegExp]>([
    ['diskwright buil', /diskwright build\b/],
    ['diskwright build --prese', /diskwright build --preset/],
    ['diskwright build --preset rasp', /--preset raspberry-pi/],
    ['diskwright completion fi', /completion fish/],
    ['diskwright build roo', /build root\\ fs\.tar/],
  ])('%s', (line, expected) => {
    expect(zsh(line)).toMatch(expected)
  })
})

describe.skipIf(!requireJudge('mandoc'))('mandoc', () => {
  test.each(readdirSync(DIST_MAN))('%s has no fault', (name) => {
    const { stdout, status } = spawnSync('mandoc', ['-Tlint', '-Wstyle', join(DIST_MAN, name)], {
      encoding: 'utf8',
    })
    // A date would be that of the build, and the same source would not give the same page.
    const faults = stdout
      .split('\n')
      .filter((line) => line !== '' && !line.endsWith('missing date, using "": TH'))
    expect({ faults, isRead: status !== null && status < 4 }).toEqual({ faults: [], isRead: true })
  })
})

test.skipIf(!requireJudge('man'))('man shows a page without a warning', () => {
  const { stdout, stderr } = spawnSync(
    'man',
    ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', join(DIST_MAN, 'diskwright-build.1')],
    { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8', MANROFFSEQ: '' } },
  )
  expect(stderr).toBe('')
  expect(stdout.length).toBeGreaterThan(1000)
  expect(readFileSync(join(DIST_MAN, 'diskwright-build.1'), 'utf8')).toContain('.SH EXAMPLES')
})
