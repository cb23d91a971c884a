/** Every code block of every page is run: commands, and the modules of pages with commands. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canEvaluateNix, parseNix } from '../judges/nix.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { PAGES, parsePage, readPage } from './pages.ts'
import { PageRunner, takesShell } from './run-page.ts'
import { runShell } from './run-shell.ts'

const pages = PAGES.map(readPage)

let runner: PageRunner
beforeAll(async () => {
  runner = await new PageRunner(runShell).open()
})
afterAll(() => runner.close())

test.each(pages.filter(takesShell).map((page) => [page.path, page] as const))('%s', async (_, page) => {
  if (page.needs.every(requireJudge)) await runner.run(page)
})

test.skipIf(!canEvaluateNix())('blocks of Nix', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-nix-blocks-'))
  try {
    const blocks = pages.flatMap(({ blocks }) => blocks.filter(({ language }) => language === 'nix'))
    expect(blocks.length).toBeGreaterThan(0)
    for (const { text } of blocks) {
      writeFileSync(join(folder, 'block.nix'), text)
      await parseNix(join(folder, 'block.nix'))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('what does not hold is found', () => {
  const run = (markdown: string) => runner.run(parsePage('page.md', markdown))

  test.each([
    ['a command that fails', '```sh\ntrue\nfalse | true\n```\n', 'page.md:1: exit code 1'],
    ['other output', '```console\n$ echo a b\na c\n```\n', 'page.md:2'],
    ['more output', '```console\n$ echo a; echo b\na\n```\n', 'page.md:2'],
    ['another exit code', '<!-- test: exits 2 -->\n```console\n$ false\n```\n', 'exit code 1'],
    ['a module that throws', '```sh\ntrue\n```\n```js\nthrow new Error("no")\n```\n', 'Error: no'],
  ])('%s', async (_, markdown, message) => {
    await expect(run(markdown)).rejects.toThrow(message)
  })

  test('and what is left out is not', async () => {
    await run('```sh\nx=1\n```\n```console\n$ echo a $x; seq 9; pwd\na ...\n...\n9\n/home/me\n```\n')
    await run(
      '<!-- test: file a/b -->\n```text\nhi\n```\n<!-- test: exits 1 -->\n```console\n$ cat a/b c\nhi\n...\n```\n',
    )
  })
})
