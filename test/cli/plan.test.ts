import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PRESETS } from '../../src/spec/presets.ts'
import { imageSchema } from '../../src/spec/schema/json-schema.ts'
import { diskwright, MAIN } from './diskwright.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-plan-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, content: unknown) => {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return name
}
const example = PRESETS['raspberry-pi']({ closure: 'closure.tar.zst', firmware: 'firmware' })

describe('diskwright plan', () => {
  it('prints the plan of a preset as JSON, as it does that of a description', async () => {
    const preset = await diskwright(['plan', '--preset', 'raspberry-pi', '--json'], { cwd: folder })
    expect(preset).toMatchObject({ exit: 0, stderr: '' })
    const described = await diskwright(['plan', write('preset.json', example), '--json'], { cwd: folder })
    expect(preset.stdout).toBe(described.stdout)
    expect(JSON.parse(preset.stdout)).toHaveProperty('partitions[1].subvolumes[0].uuid')
  })

  it('shows names that no terminal should see, and prints them as they are in JSON', async () => {
    const name = 'a\u009bb\u202e'
    const partition = {
      type: 'btrfs',
      size: 'fit',
      links: { [name]: 'x' },
      subvolumes: [{ name: `${name}2` }],
    }
    const input = JSON.stringify({ table: { type: 'mbr' }, partitions: [partition] })
    const text = await diskwright(['plan', '-'], { input })
    expect(text.stdout).toContain('link       a\\xc2\\x9bb\\xe2\\x80\\xae -> x')
    const json = await diskwright(['plan', '-', '--json'], { input })
    const [planned] = (JSON.parse(json.stdout) as { partitions: Record<string, unknown>[] }).partitions
    expect(planned.links).toEqual({ [name]: 'x' })
    expect((planned.subvolumes as object[])[1]).toMatchObject({ name: `${name}2` })
  })

  it('refuses entries, which only a program can give', async () => {
    const sources = [{ entries: [{ path: '/a', type: 'file', content: 'a' }] }]
    const input = JSON.stringify({
      table: { type: 'mbr' },
      partitions: [{ type: 'btrfs', size: 'fit', sources }],
    })
    const { exit, stderr } = await diskwright(['plan', '-'], { input })
    expect({ exit, stderr }).toEqual({
      exit: 1,
      stderr: 'diskwright: standard input:1:80: partitions[0].sources[0].entries: unknown key\n',
    })
  })

  it('prints the plan of a description as JSON', async () => {
    const spec = write('spec.json', example)
    const { exit, stdout, stderr } = await diskwright(['plan', spec, '--json'], {
      cwd: folder,
      env: { SOURCE_DATE_EPOCH: '1700000000' },
    })
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    const { seed, table, partitions } = JSON.parse(stdout) as Record<string, Record<string, unknown>[]>
    expect({ seed, table }).toEqual({ seed: 'nixos-btrfs-pi', table: { type: 'mbr', diskId: '0x2178694e' } })
    expect(partitions[0]).toMatchObject({
      volumeId: 'A335-C2C9',
      mbrType: '0x0c',
      time: 1700000000,
      sources: [{ directory: join(folder, 'firmware'), to: '/' }],
    })
    const subvolumes = partitions[1].subvolumes as object[]
    expect(subvolumes).toHaveLength(8)
    expect(subvolumes[2]).toEqual({
      id: 257,
      name: '@boot',
      path: '/boot',
      uuid: '9edf6e58-914f-5c5d-be19-70eac86a1160',
      nodatacow: true,
      compression: 'none',
      bootFiles: true,
      readOnly: false,
      default: false,
      otime: 1700000000,
    })
    expect(partitions[1].links).toEqual({ boot: '@boot' })
  })

  it('prints the plan of a description for people', async () => {
    const { exit, stdout } = await diskwright(['plan', '--closure', '/c.tar'])
    expect(exit).toBe(0)
    expect(stdout).toBe(readFileSync(new URL('plan.txt', import.meta.url), 'utf8'))
  })

  it('prints what a FAT is to be like', async () => {
    const fat = { type: 'fat16', size: 'fit', slack: '1MiB', sectorSize: 4096, codePage: 850 }
    const partitions = [
      { ...fat, clusterSize: '8KiB' },
      { type: 'fat32', size: '64MiB', clusterTable: 'windows' },
    ]
    const input = JSON.stringify({ table: { type: 'mbr' }, partitions })
    const { stdout } = await diskwright(['plan', '-'], { input })
    expect(stdout).toMatch(
      /\n1: FAT16\n[^]* +fits the content\n[^]* {2}slack +1 MiB[^]* {2}sectors +4 KiB[^]* {2}clusters +8 KiB[^]* {2}code page +850\n/,
    )
    expect(stdout).toMatch(/\n2: FAT32\n[^]* {2}clusters +by the table of Windows\n/)
  })

  it('takes relative paths from where the description is', async () => {
    write('spec.json', example)
    const { stdout } = await diskwright(['plan', join(folder, 'spec.json')], { cwd: '/' })
    expect(stdout).toContain(`tar ${folder}/closure.tar.zst\n`)
  })

  it('reads a description from standard input, with paths from the working directory', async () => {
    const { exit, stdout } = await diskwright(['plan', '-'], { cwd: folder, input: JSON.stringify(example) })
    expect(exit).toBe(0)
    expect(stdout).toContain(`tar ${folder}/closure.tar.zst\n`)
  })

  it('takes a description with a byte order mark', async () => {
    expect(await diskwright(['plan', '-'], { input: `\ufeff${JSON.stringify(example)}` })).toMatchObject({
      exit: 0,
    })
  })

  it('tells each mistake in a line of its own, with exit code 1', async () => {
    const spec = write('bad.json', { ...example, sead: 'x', seed: '' })
    const { exit, stdout, stderr } = await diskwright(['plan', spec], { cwd: folder })
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      'diskwright: bad.json:1:2: seed: expected a text that is not empty, found ""',
      'diskwright: bad.json:1:643: sead: unknown key; did you mean "seed"?',
      '',
    ])
  })

  it('tells where a description is no JSON', async () => {
    const spec = write('broken.json', '{\n  "seed": "x",\n  "table": {type": "mbr"}\n}')
    for (const args of [
      ['plan', spec],
      ['build', spec, '-o', 'x.img'],
    ]) {
      expect(await diskwright(args, { cwd: folder })).toEqual({
        exit: 1,
        stdout: '',
        stderr: 'diskwright: broken.json:3:13: expected a key in double quotes, found "t"\n',
      })
    }
    expect((await diskwright(['plan', '-'], { input: '' })).stderr).toBe(
      'diskwright: standard input:1:1: expected a value, found the end\n',
    )
  })

  it('tells that there is no description', async () => {
    expect(await diskwright(['plan', 'none.json'], { cwd: folder })).toEqual({
      exit: 1,
      stdout: '',
      stderr: 'diskwright: none.json: no such file or directory\n',
    })
  })

  it('shows where an error came up only with --debug', async () => {
    const { stderr } = await diskwright(['plan', 'none.json', '--debug'], { cwd: folder })
    expect(stderr).toMatch(/^diskwright: none\.json: no such file[^]*\n {4}at /)
  })

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [MAIN, 'schema'])
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const exit = await new Promise((done) => child.on('close', done))
    // Whether it notices depends on who is faster.
    expect([0, 141]).toContain(exit)
    expect(stderr).toBe('')
  })
})

describe('diskwright schema', () => {
  it('prints the JSON Schema, as it lies in dist/', async () => {
    const { exit, stdout } = await diskwright(['schema'])
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toEqual(imageSchema())
    expect(stdout).toBe(readFileSync(new URL('../../dist/schema.json', import.meta.url), 'utf8'))
  })
})
