/** The examples in docs/reading.md print what it says. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildReadable } from '../images/readable.ts'

const ROOT = join(import.meta.dirname, '../..')
const blocks = [
  ...readFileSync(join(ROOT, 'docs/reading.md'), 'utf8').matchAll(/^```(js|text)\n(.*?)^```$/gms),
]
const examples = blocks.filter(([, language]) => language === 'js').map(([, , text]) => text)
const outputs = blocks.filter(([, language]) => language === 'text').map(([, , text]) => text)

let folder: string
let image: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-document-'))
  image = (await buildReadable(folder)).zstd
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('each has an output', () => {
  expect(examples.length).toBe(2)
  expect(outputs.length).toBe(examples.length)
})

test.each(examples.map((example, i) => [i + 1, example, outputs[i]] as const))(
  'example %i',
  async (_, example, output) => {
    const code = example.replaceAll("'disk.img.zst'", JSON.stringify(image))
    expect(code).not.toBe(example)
    // In the package's own folder its name leads to itself, by what it exports.
    const args = ['--input-type=module', '--eval', code]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
    expect(stdout).toBe(output)
  },
)
