/** What the documents say that a program can check. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { resolvePlan } from '../../src/build/plan-image.ts'
import { anchorsOf } from '../../scripts/docs/slug.mjs'
import { PRESETS } from '../../src/spec/presets.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('reference/api/'))
    .map((path) => join('docs', path)),
]

/** The code blocks of a language. */
function blocks(path: string, language: string): string[] {
  return [...read(path).matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , text]) => text)
}

test('the description in describe-an-image.md is the preset', () => {
  const [description] = blocks('docs/how-to/describe-an-image.md', 'json')
  const preset = PRESETS['raspberry-pi']({ closure: 'closure.tar.zst', firmware: 'firmware' })
  expect(JSON.parse(description)).toEqual(preset)
})

test('README.md has two screens', () => {
  expect(read('README.md').split('\n').length).toBeLessThan(150)
})

test('the reference names the errors by their codes', () => {
  const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => read(join('src', path)))
    .join('')
  const codes = [...source.matchAll(/readonly code = '(\w+)'/g)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(4)
  for (const code of codes) expect(read('docs/reference/errors.md')).toContain(`\`${code}\``)
})

test.each(documents)('the links in %s lead to files, and to headings in them', (path) => {
  const text = read(path)
    .replaceAll(/^( *)(```+)[^\n]*\n.*?^ *\2$/gms, '')
    .replaceAll(/`[^`\n]*`/g, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
  const dead = targets.filter((target) => {
    if (/^https?:/.test(target)) return false
    const [file, anchor] = target.split('#')
    const there = file === '' ? path : join(dirname(path), file)
    if (!existsSync(join(ROOT, there))) return true
    return anchor !== undefined && there.endsWith('.md') && !anchorsOf(read(there)).has(anchor)
  })
  expect(dead).toEqual([])
})

test('every folder of src/ is in docs/architecture.md', () => {
  const [layout] = blocks('docs/architecture.md', 'text')
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  const folders = new Set(
    files.filter((path) => path.endsWith('.ts')).map((path) => path.replace(/\/.*/, '/')),
  )
  expect(folders.size).toBeGreaterThan(8)
  for (const folder of folders) expect(layout).toContain(`  ${folder} `)
})

test.each([
  ['docs/architecture.md', 20],
  ['docs/how-to/add-a-file-system.md', 15],
])('the files that %s names are there', (page, least) => {
  const paths = [...read(page).matchAll(/`((?:src|test|scripts)\/[\w/-]+\/|[\w-]+\/[\w/.-]+\.(?:ts|sh))`/g)]
    .map(([, path]) => path)
    // What the page is about to add.
    .filter((path) => !path.includes('ext4'))
  expect(paths.length).toBeGreaterThan(least)
  const isThere = (path: string) => [path, `src/${path}`].some((place) => existsSync(join(ROOT, place)))
  expect(paths.filter((path) => !isThere(path))).toEqual([])
})

test('the description in docs/how-to/raspberry-pi.md is one', async () => {
  const [description] = blocks('docs/how-to/raspberry-pi.md', 'json')
  const { boot, partitions } = await resolvePlan(JSON.parse(description))
  expect(boot).toEqual({ partition: 2, uboot: { year: 2025, month: 1 }, check: true })
  expect(partitions.map(({ bootable }) => bootable)).toEqual([false, true])
})
