/**
 * ZenFS judges our backends: its tests for all backends run on images of its own test data. Those that read must pass on
 * the image as it is. Most others begin by writing something. They must pass with ZenFS' CopyOnWrite, which takes the
 * writes, so that they read through the backend.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildImage } from 'diskwright'
import { afterAll, beforeAll, expect, test } from 'vitest'

const TESTS = join(import.meta.dirname, '../../node_modules/@zenfs/core/tests')
const HOOKS = join(import.meta.dirname, 'typescript.mjs')
const SETUP = join(import.meta.dirname, 'setup.mjs')

/** Not among them: what says from its first line on that it is about writing. */
const READING = ['errors', 'exists', 'open', 'read', 'readFile', 'stat']
/**
 * `readFile` reads what the test before it has written. Others that write say so, and are skipped: in `read` the one
 * named after an issue of ZenFS, in `stat` that of non-root access, in `readFile` those that make and remove a directory.
 */
const NEEDS_WRITING = ['read file and verify its content']

/**
 * Not among them: `append`, `concurrency`, `rename`, `scaling`, `tempdir`, `truncate`, `write`, which do not look at
 * what is in the image; `times` and `watch`, of which some fail on ZenFS' own file systems in memory, too, with Node 20.
 */
const OVERLAID = ['dir', 'directory', 'links', 'permissions', 'readFile', 'streams', 'xattr']

let folder: string
let image: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-zenfs-'))
  image = join(folder, 'disk.img.zst')
  const sources = [{ directory: join(TESTS, 'data') }]
  await buildImage(
    {
      seed: 'zenfs',
      table: { type: 'mbr' },
      partitions: [
        { type: 'fat32', label: 'FAT', size: '40MiB', sources },
        { type: 'btrfs', label: 'BTRFS', size: 'fit', sources },
      ],
    },
    { output: image },
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs files of tests, and gives the names of those that passed and of those that did not. */
async function runTests(names: readonly string[], environment: Record<string, string>) {
  const passed: string[] = []
  const failed: string[] = []
  // One process a file: they leave things behind.
  const runs = names.map((name) => {
    const args = ['--import', HOOKS, '--test-reporter=tap', join(TESTS, 'fs', `${name}.test.ts`)]
    const env = { ...process.env, SETUP, IMAGE: image, ...environment }
    return promisify(execFile)(process.execPath, args, { env }).catch((error: unknown) => error)
  })
  for (const [i, run] of runs.entries()) {
    const { stdout, stderr } = (await run) as { stdout: string; stderr: string }
    const results = [...stdout.matchAll(/^ +(not )?ok \d+ - (.*?)( # SKIP.*)?$/gm)]
    expect(results.length, `${names[i]}: ${stdout}${stderr}`).toBeGreaterThan(0)
    for (const [, not, name, skipped] of results) {
      if (not !== undefined) failed.push(name)
      else if (skipped === undefined) passed.push(name)
    }
  }
  return { passed, failed }
}

test.each(['Btrfs', 'Fat'])('reading: %s', async (BACKEND) => {
  const { passed, failed } = await runTests(READING, { BACKEND })
  expect(failed).toEqual(NEEDS_WRITING)
  expect(passed.length).toBeGreaterThan(50)
})

test('reading what does not answer at once: Btrfs', async () => {
  const { passed, failed } = await runTests(READING, { BACKEND: 'Btrfs', SOURCE: 'Blob' })
  expect(failed).toEqual(NEEDS_WRITING)
  expect(passed.length).toBeGreaterThan(25)
})

test.each(['Btrfs', 'Fat'])('below CopyOnWrite: %s', async (BACKEND) => {
  const { passed, failed } = await runTests(OVERLAID, { BACKEND, COPY_ON_WRITE: '1' })
  expect(failed).toEqual([])
  expect(passed.length).toBeGreaterThan(80)
})
