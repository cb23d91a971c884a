import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { commandHelps } from './command-helps.ts'
import { diskwright } from './diskwright.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-usage-'))
  writeFileSync(join(folder, 'a.json'), '{}')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['bild'], "unknown command 'bild' (Did you mean build?)"],
    ['help of an unknown command', ['help', 'nope'], "unknown command 'nope'"],
    ['help of a misspelt command', ['help', 'bild'], "unknown command 'bild' (Did you mean build?)"],
    ['a misspelt option', ['plan', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    [
      'a word that diff does not know',
      ['diff', 'a', 'b', '--ignore', 'atime,mtimes'],
      'nothing that differs is called "mtimes"; did you mean "mtime"? The words are: entry, type, mode, ',
    ],
    ['an unknown option', ['plan', '--fast'], "unknown option '--fast'"],
    ['an argument too many', ['plan', 'a.json', 'b.json'], 'too many arguments'],
    ['build without an output', ['build', 'a.json'], 'missing option -o: name the image to write'],
    [
      'build of nothing',
      ['build', '-o', 'x.img'],
      "missing argument 'input', or the option --closure or --preset",
    ],
    [
      'build of two things',
      ['build', 'a.json', '--closure', 'c.tar', '-o', 'x.img'],
      "'a.json' cannot be used with --closure",
    ],
    [
      'a seed for a description',
      ['build', 'a.json', '--seed', 's', '-o', 'x.img'],
      '--seed is for content; a description has a key for it',
    ],
    [
      'an empty seed',
      ['build', '--closure', 'c.tar', '--seed', '', '-o', 'x.img'],
      '--seed must not be empty',
    ],
    ['an unknown format', ['build', 'a.json', '-o', 'x', '--format', 'qcow2'], "argument 'qcow2' is invalid"],
    ['two things on one stdout', ['build', 'a.json', '-o', '-', '--json'], '--json cannot be combined with'],
    ['plan of nothing', ['plan'], "missing argument 'input', or the option --closure or --preset"],
    [
      'plan of two things',
      ['plan', 'a.json', '--preset', 'raspberry-pi'],
      "'a.json' cannot be used with --preset",
    ],
    ['an unknown preset', ['plan', '--preset', 'amiga'], "argument 'amiga' is invalid"],
  ])('%s is reported in one line, with exit code 2', async (_, args, message) => {
    const { exit, stdout, stderr } = await diskwright(args, { cwd: folder })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^diskwright: [^\n]+\n$/)
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
  })

  it('a description and an archive both from standard input are an error, with exit code 2', async () => {
    const input = JSON.stringify({
      table: { type: 'mbr' },
      partitions: [{ type: 'btrfs', size: 'fit', sources: [{ directory: '.' }, { tar: '-' }] }],
    })
    const { exit, stdout, stderr } = await diskwright(['build', '-', '-o', 'x.img'], { cwd: folder, input })
    expect(stderr).toMatch(/^diskwright: the description comes from standard input[^\n]+\n$/)
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    // The plan can be shown, as it reads no source.
    expect(await diskwright(['plan', '-'], { input })).toMatchObject({ exit: 0, stderr: '' })
  })

  it('no command at all shows the help, with exit code 2', async () => {
    const { exit, stdout, stderr } = await diskwright([])
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toContain('Usage: diskwright')
  })
})

describe('help', () => {
  it.each([[['--help']], [['help']], [['help', 'build']], [['schema', '-h']]])(
    'is on standard output: %j',
    async (args) => {
      const { exit, stdout, stderr } = await diskwright(args)
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
      expect(stdout).toContain('Usage: diskwright')
    },
  )

  it('lists every command, and each command has examples of its own', () => {
    const helps = commandHelps()
    const all = [
      'build',
      'plan',
      'init',
      'preset',
      'inspect',
      'ls',
      'cat',
      'extract',
      'verify',
      'diff',
      'boot',
      'schema',
      'completion',
      'man',
      'help',
    ]
    expect([...helps.keys()]).toEqual(all)
    for (const [name, help] of helps) expect(help).toMatch(new RegExp(`\nExamples:\n.*diskwright ${name} `))
  })

  it.each(['--version', '-v'])('prints the version: %s', async (option) => {
    expect(await diskwright([option])).toEqual({ exit: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })
})
