/** All files of a release, as the workflow makes them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canJudgePackages, nodeProgram, packageVersion, REPOSITORY } from '../judges/npm-package.ts'
import { mustRun } from '../judges/run-tool.ts'

interface Bom {
  metadata: { timestamp: string; component: { name: string } }
  components: { name: string; purl: string; properties: { name: string }[] }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

describe.runIf(canJudgePackages())('the files of a release', () => {
  let folder: string
  const version = packageVersion()
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-files-'))
    const script = join(REPOSITORY, 'scripts/release-artifacts.mjs')
    const args = [script, '--node', nodeProgram('26'), folder]
    await mustRun(process.execPath, args, { env: { SOURCE_DATE_EPOCH: '1700000000' } })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('are complete, and their sums are right', async () => {
    const names = readdirSync(folder)
    expect(names).toEqual([
      'SHA256SUMS',
      `diskwright-${version}.cdx.json`,
      `diskwright-${version}.tar.gz`,
      `diskwright-${version}.tar.gz.hash`,
      `diskwright-${version}.tgz`,
      `diskwright-${process.platform}-${process.arch}`,
      'diskwright.mjs',
      'diskwright.schema.json',
    ])
    const { stdout } = await mustRun('bash', [
      '-c',
      'cd "$0" && sha256sum --check --strict SHA256SUMS',
      folder,
    ])
    expect(stdout.match(/: OK$/gm)).toHaveLength(names.length - 1)
  })

  test('the bill of materials has what is installed and what is built in, and no tool of the tests', () => {
    const text = readFileSync(join(folder, `diskwright-${version}.cdx.json`), 'utf8')
    const { metadata, components, dependencies } = JSON.parse(text) as Bom
    expect(metadata).toMatchObject({
      timestamp: '2023-11-14T22:13:20.000Z',
      component: { name: 'diskwright' },
    })
    const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
      dependencies: object
      optionalDependencies: object
    }
    const names = components.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\/|@[^@]*$/g, ''))
    const installed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)]
    expect(names).toEqual(expect.arrayContaining(installed))
    const bundled = components.filter(({ properties }) =>
      properties.some(({ name }) => name === 'cdx:npm:package:bundled'),
    )
    expect(bundled.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['hash-wasm', 'jsonc-parser', 'pako', 'yaml', 'zod', 'd3-hierarchy']),
    )
    for (const tool of ['vitest', 'typescript', 'esbuild', 'eslint', 'playwright-core']) {
      expect(names).not.toContain(tool)
    }
    const refs = new Set(dependencies.map(({ ref }) => ref))
    expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([])
  })
})
