/** The whole package in a program that a bundler has put into one file. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BuildResult } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { bundleForNode, entryPoint, workerEntries } from '../../scripts/bundle.mjs'
import { describeImage, inFolder, noise, text } from '../images/build.ts'

const run = promisify(execFile)

const program = (library: string) => `
  import { buildImage } from ${JSON.stringify(library)}
  const [description, output] = process.argv.slice(2)
  const { readFileSync } = await import('node:fs')
  const spec = JSON.parse(readFileSync(description, 'utf8'))
  const result = await buildImage(spec, { output, workers: 2 })
  console.log(JSON.stringify(result))
`

/** Two images, built by a bundle of the program and by the program itself. */
async function buildBoth(folder: string, extraEntries: Record<string, string>) {
  const content = [text(3e6), noise(3e6)].map((bytes, i) => ({
    path: `${i}`,
    type: 'file' as const,
    content: bytes,
  }))
  const spec = describeImage(folder, [{ entries: content }], { compression: 'zstd' })
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const plain = join(folder, 'plain.js')
  writeFileSync(plain, program(entryPoint('.')))
  await bundleForNode({ bundled: plain, ...extraEntries }, join(folder, 'out'))
  const build = async (script: string, output: string) => {
    const { stdout } = await run(process.execPath, [script, 'spec.json', output], { cwd: folder })
    return { ...(JSON.parse(stdout) as BuildResult), bytes: readFileSync(join(folder, output)) }
  }
  return {
    own: await build(plain, 'own.img.zst'),
    bundled: await build(join(folder, 'out', 'bundled.js'), 'bundled.img.zst'),
  }
}

describe('a program bundled for Node', () => {
  test('into one file builds the same image, without threads and with a notice', () =>
    inFolder(async (folder) => {
      const { own, bundled } = await buildBoth(folder, {})
      expect(own.findings).toEqual([])
      expect(bundled.findings).toMatchObject([{ severity: 'notice', where: 'worker threads' }])
      expect(bundled.bytes.equals(own.bytes)).toBe(true)
    }))

  test('with the modules of the threads beside it starts them', () =>
    inFolder(async (folder) => {
      const { own, bundled } = await buildBoth(folder, workerEntries())
      expect(bundled.findings).toEqual([])
      expect(bundled.bytes.equals(own.bytes)).toBe(true)
    }))
})
