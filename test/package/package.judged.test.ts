/** The file that npm publishes, in the hands of those who install it: packed once, as it is in the working tree. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  canJudgePackages,
  diskUsage,
  NODE_VERSIONS,
  packageProgram,
  packageVersion,
  packPackage,
  REPOSITORY,
  runNpm,
  runWithNode,
} from '../judges/npm-package.ts'
import { mustRun } from '../judges/run-tool.ts'
import { sha256, writeSample } from './sample.ts'

const MB = 1e6

/** As it is installed: the root of node_modules. */
const OWN = join('node_modules', 'diskwright')
const COMMAND = join(OWN, 'dist/cli/main.js')

describe.runIf(canJudgePackages())('the packed package', () => {
  let folder: string
  let packed: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-package-'))
    packed = await packPackage(folder)
    await mustRun('tar', ['-xzf', packed, '-C', folder])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const read = (path: string) => readFileSync(join(folder, 'package', path), 'utf8')
  const files = () => readdirSync(join(folder, 'package'), { recursive: true, encoding: 'utf8' })

  /** A project with the package and all that npm installs with it, optional packages too. */
  let project: string | undefined
  async function installed(): Promise<string> {
    if (project !== undefined) return project
    const path = join(folder, 'project')
    mkdirSync(path)
    writeFileSync(join(path, 'package.json'), '{ "private": true }')
    const made = await runNpm('20', path, ['install', '--ignore-scripts', '--prefer-offline', packed])
    expect(made).toMatchObject({ code: 0 })
    writeSample(path)
    return (project = path)
  }

  test('satisfies publint', async () => {
    await mustRun(process.execPath, [packageProgram('publint/src/cli.js'), '--strict', packed])
  })

  test('satisfies attw', async () => {
    await mustRun(process.execPath, [
      packageProgram('@arethetypeswrong/cli/dist/index.js'),
      ...['--profile', 'esm-only', '--no-emoji', '--no-color', '--format', 'ascii', packed],
    ])
  })

  test('holds what package.json names, and neither sources nor maps', () => {
    const manifest = JSON.parse(read('package.json')) as {
      exports: Record<string, string | Record<string, string>>
      bin: Record<string, string>
      directories: { man: string }
      types: string
    }
    const { exports, bin, directories, types } = manifest
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? target : Object.values(target),
    )
    for (const path of [...targets, ...Object.values(bin), types]) expect(files()).toContain(normalize(path))
    const pages = readdirSync(join(folder, 'package', directories.man))
    expect(pages).toContain('diskwright.1')
    expect(pages).toContain('diskwright-build.1')
    expect(files().filter((path) => /(?<!\.d)\.ts$|\.map$|^(src|test|scripts)\b/.test(path))).toEqual([])
  })

  test('its documents lead to files that it has', () => {
    const documents = files().filter((path) => path.endsWith('.md'))
    expect(documents.length).toBeGreaterThan(15)
    const links = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => ({ path, target })),
    )
    const broken = links.filter(
      ({ path, target }) =>
        !/^https?:/.test(target) && !existsSync(join(folder, 'package', dirname(path), target)),
    )
    expect(broken).toEqual([])
    expect(links.some(({ target }) => target.endsWith('.png'))).toBe(true)
  })

  test('one address is the address of the project', () => {
    const { homepage, bugs, repository } = JSON.parse(read('package.json')) as {
      homepage: string
      bugs: string
      repository: { url: string }
    }
    const [, address] = /^git\+(https:.*)\.git$/.exec(repository.url)!
    expect({ homepage, bugs }).toEqual({ homepage: `${address}#readme`, bugs: `${address}/issues` })
    const nix = readFileSync(join(REPOSITORY, 'nix/nixpkgs/package.nix'), 'utf8')
    expect(nix).toContain(`homepage = "${address}"`)
    expect(JSON.parse(read('dist/schema.json'))).toMatchObject({
      $id: 'https://unpkg.com/diskwright/dist/schema.json',
    })
  })

  test('is light without its optional packages', async () => {
    const path = join(folder, 'light')
    mkdirSync(path)
    writeFileSync(join(path, 'package.json'), '{ "private": true }')
    const args = ['install', '--omit=optional', '--ignore-scripts', '--prefer-offline', packed]
    expect(await runNpm('20', path, args)).toMatchObject({ code: 0 })
    const { packages } = JSON.parse(readFileSync(join(path, 'node_modules/.package-lock.json'), 'utf8')) as {
      packages: object
    }
    expect(Object.keys(packages).length).toBeLessThanOrEqual(15)
    expect(diskUsage(join(path, 'node_modules'))).toBeLessThan(12 * MB)
  })

  test.each(NODE_VERSIONS)('installs without warnings, scripts and compiler on Node %s', async (version) => {
    const path = join(folder, `installed-by-${version}`)
    mkdirSync(path)
    // The lock file spares npm most requests.
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(join(await installed(), file), join(path, file))
    const { code, stdout, stderr } = await runNpm(version, path, [
      'ci',
      '--ignore-scripts',
      '--prefer-offline',
    ])
    expect({ code, warnings: `${stdout}${stderr}`.match(/^npm (warn|error).*/gim) }).toEqual({
      code: 0,
      warnings: null,
    })
    const { stdout: said } = await runWithNode(version, path, [COMMAND, '--version'])
    expect(said).toBe(`${packageVersion()}\n`)
  })

  test('builds the same bytes on each Node, which those of the working tree are', async () => {
    const sums: Record<string, string[]> = {}
    const build = async (name: string, version: string, command: string) => {
      const outputs = [`${name}.img`, `${name}.img.zst`]
      for (const output of outputs) {
        const args = [command, 'build', 'spec.json', '-o', output, '--workers', '2', '--json']
        const { code, stdout, stderr } = await runWithNode(version, await installed(), args)
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        expect(JSON.parse(stdout)).toMatchObject({ findings: [] })
      }
      sums[name] = await Promise.all(outputs.map(async (output) => sha256(join(await installed(), output))))
    }
    await build('own', '20', join(REPOSITORY, 'dist/cli/main.js'))
    for (const version of NODE_VERSIONS) await build(`node-${version}`, version, COMMAND)
    expect(sums).toEqual(Object.fromEntries(Object.keys(sums).map((name) => [name, sums.own])))
    const verified = await runWithNode('26', await installed(), [COMMAND, 'verify', 'own.img'])
    expect(verified).toMatchObject({ code: 0 })
  })

  test.each(NODE_VERSIONS)('a CommonJS program uses it on Node %s', async (version) => {
    const program = `
      const byRequire = require('diskwright')
      import('diskwright/fat32').then(({ memorySink, writeFat32 }) => {
        console.log(typeof byRequire.buildImage, typeof writeFat32, typeof memorySink)
      })`
    const path = join(await installed(), 'program.cjs')
    writeFileSync(path, program)
    const { code, stdout, stderr } = await runWithNode(version, await installed(), [path])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'function function function\n' })
    // Node 20 calls require(esm) experimental.
    if (version !== '20') expect(stderr).not.toContain('Warning')
  })

  describe('its types', () => {
    /** Compiles a program in the project. @returns what the compiler says */
    async function compile(compiler: string, program: string, options: object): Promise<string> {
      const path = await installed()
      const name = `program-${Math.abs(hash(compiler + program + JSON.stringify(options)))}`
      writeFileSync(join(path, `${name}.mts`), program)
      const compilerOptions = {
        noEmit: true,
        strict: true,
        skipLibCheck: false,
        target: 'es2022',
        ...options,
      }
      writeFileSync(join(path, `${name}.json`), JSON.stringify({ compilerOptions, files: [`${name}.mts`] }))
      const { stdout } = await runWithNode('20', path, [`${compiler}/bin/tsc`, '-p', `${name}.json`])
      return stdout
    }
    const COMPILERS = {
      '5.0, the oldest': packageProgram('typescript-5.0'),
      5.4: packageProgram('typescript-5.4'),
      'of this project': join(REPOSITORY, 'node_modules/typescript'),
    }
    const TYPE_ROOTS = { typeRoots: [join(REPOSITORY, 'node_modules/@types')], types: ['node'] }

    test.each(Object.entries(COMPILERS))('are read by TypeScript %s', async (_, compiler) => {
      const program = `
        import { buildImage, openImage, type ImageSpec } from 'diskwright'
        import { writeBtrfs } from 'diskwright/btrfs'
        import { memorySink, writeFat32 } from 'diskwright/fat32'
        import { encodeMbr } from 'diskwright/partition-table'
        import { readTar } from 'diskwright/tar'
        const spec: ImageSpec = { seed: 's', table: { type: 'mbr' }, partitions: [] }
        const { partitions } = await buildImage(spec, { output: 'x.img', onProgress: ({ phase }) => console.log(phase) })
        const size: number = partitions[0].size
        const sink = memorySink()
        await writeFat32({ label: 'BOOT', size: '64MiB' }, [{ path: '/a', type: 'file', content: 'a' }], sink)
        const bytes: Uint8Array = sink.bytes()
        console.log(openImage, writeBtrfs, encodeMbr, readTar, size, bytes)`
      const said = await compile(compiler, program, {
        ...{ module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022'], ...TYPE_ROOTS },
        // The types of node:stream and others; npm installs none of them with the package.
        paths: { 'undici-types': [join(REPOSITORY, 'node_modules/undici-types')] },
      })
      expect(said).toBe('')
    })

    test('are read for a browser, without those of Node', async () => {
      const program = `
        import { buildImage, openImage } from 'diskwright/browser'
        import { writeBtrfs } from 'diskwright/btrfs'
        import { writeFat } from 'diskwright/fat32'
        console.log(buildImage, openImage, writeBtrfs, writeFat)`
      const said = await compile(COMPILERS['of this project'], program, {
        ...{ module: 'esnext', moduleResolution: 'bundler', types: [] },
        lib: ['es2022', 'esnext.disposable', 'dom'],
      })
      expect(said).toBe('')
    })

    test('a wrong description is an error', async () => {
      const program = `
        import type { ImageSpec } from 'diskwright'
        export const spec: ImageSpec = { seed: 1, table: { type: 'mbr' }, partitions: [] }`
      const said = await compile(COMPILERS[5.4], program, {
        ...{ module: 'nodenext', moduleResolution: 'nodenext', ...TYPE_ROOTS },
      })
      expect(said).toContain("Type 'number' is not assignable to type 'string'")
    })
  })
})

const hash = (value: string) => [...value].reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) | 0, 0)
