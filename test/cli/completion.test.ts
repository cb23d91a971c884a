import { describe, expect, it } from 'vitest'
import { commandPage, programPage } from '../../src/cli/man-page.ts'
import { definitionsOf } from '../../src/cli/definitions.ts'
import { makeProgram } from '../../src/cli/program.ts'
import { diskwright } from './diskwright.ts'

const definitions = definitionsOf(makeProgram())
const build = definitions.commands.find(({ name }) => name === 'build')!

describe('definitions', () => {
  it('are those of the help', () => {
    expect(build.arguments).toMatchObject([{ name: 'input', kind: 'file', isRequired: false }])
    expect(build.options.find(({ long }) => long === '--output')).toMatchObject({
      ...{ short: '-o', value: { name: 'file', kind: 'file', choices: [] } },
    })
    expect(build.options.find(({ long }) => long === '--format')!.value!.choices).toEqual(['img', 'img.zst'])
    expect(build.options.find(({ long }) => long === '--firmware')!.value!.kind).toBe('directory')
    expect(build.examples[0]).toBe('diskwright build rootfs.tar -o disk.img')
  })
})

describe('diskwright completion', () => {
  it.each([
    ['bash', /^complete -F _diskwright diskwright$/m],
    ['zsh', /^#compdef diskwright$/m],
    ['fish', /^complete -c diskwright -n __fish_use_subcommand -a build /m],
  ])('prints a script for %s, with every command and option', async (shell, line) => {
    const { exit, stdout, stderr } = await diskwright(['completion', shell])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout).toMatch(line)
    for (const { name, options } of definitions.commands) {
      expect(stdout).toContain(name)
      for (const { long } of options)
        expect(stdout).toContain(shell === 'fish' ? `-l ${long.slice(2)}` : long)
    }
  })

  it('knows no other shell', async () => {
    expect(await diskwright(['completion', 'tcsh'])).toMatchObject({
      exit: 2,
      stderr:
        "diskwright: command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.\n",
    })
  })
})

describe('manual pages', () => {
  it('have every option and example of a command', () => {
    const page = commandPage(definitions, build)
    expect(page).toMatch(/^\.TH DISKWRIGHT\\-BUILD 1 /)
    expect(page).toContain('.TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIfile\\fR\nImage to write: ')
    for (const { long } of build.options) expect(page).toContain(long.replaceAll('-', '\\-'))
    expect(page).toContain('diskwright build rootfs.tar \\-o disk.img\n')
  })

  it('of the program lists the commands', () => {
    const page = programPage(definitions)
    for (const { name } of definitions.commands) expect(page).toContain(`.BR diskwright\\-${name} (1)\n`)
  })

  it('are printed by a command', async () => {
    expect((await diskwright(['man'])).stdout).toBe(programPage(definitions))
    expect((await diskwright(['man', 'build'])).stdout).toBe(commandPage(definitions, build))
    expect(await diskwright(['man', 'biuld'])).toMatchObject({
      exit: 2,
      stderr: "diskwright: unknown command 'biuld' (Did you mean build?)\n",
    })
  })
})
