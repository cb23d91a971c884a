/** Every code block of every page is checked: those that take nothing but Node. */
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkDescription } from './descriptions.ts'
import { PAGES, parsePage, readPage, ROOT, type Block } from './pages.ts'
import { PageRunner, runs, takesShell } from './run-page.ts'

const pages = PAGES.map(readPage)
const blocks = pages.flatMap(({ path, blocks }) => blocks.map((block) => ({ ...block, path })))
const at = ({ path, line }: { path: string; line: number }) => `${path}:${line}`

/** Languages of which nothing can be checked. */
const UNCHECKED = ['text', 'ini', 'http', 'html', 'diff', 'dockerfile']
const CHECKED = ['sh', 'console', 'js', 'ts', 'json', 'yaml', 'nix']

describe('every block', () => {
  test('has a language', () => {
    const known = new Set([...UNCHECKED, ...CHECKED])
    expect(blocks.filter(({ language }) => !known.has(language)).map(at)).toEqual([])
  })

  test('that is not checked holds no commands', () => {
    const commands = /^(?:\$ |npm |node |sudo )/m
    const suspects = blocks.filter(({ language, text }) => language === 'text' && commands.test(text))
    expect(suspects.map(at)).toEqual([])
  })

  test('that is not run says why, and they are few', () => {
    const notRun = blocks.filter(({ notRun }) => notRun !== undefined)
    expect(notRun.filter(({ notRun }) => notRun!.split(' ').length < 3).map(at)).toEqual([])
    const runnable = blocks.filter((block) => block.notRun !== undefined || runs(block, true))
    expect(
      notRun.length,
      notRun.map((block) => `${at(block)}: ${block.notRun}`).join('\n'),
    ).toBeLessThanOrEqual(runnable.length / 4)
  })
})

const described = blocks.filter(({ language }) => language === 'json' || language === 'yaml')
test.each(described.map((block) => [at(block), block] as const))('the description in %s', (_, block) =>
  checkDescription(block),
)

describe('modules', () => {
  let runner: PageRunner
  beforeAll(async () => {
    runner = await new PageRunner().open()
  })
  afterAll(() => runner.close())

  const shown = pages.filter((page) => page.blocks.some((block) => runs(block)) && !takesShell(page))
  test.each(shown.map((page) => [page.path, page] as const))('of %s', (_, page) => runner.run(page))

  test('in TypeScript have no type errors', () => {
    const typed = blocks.filter(({ language }) => language === 'ts')
    expect(typed.length).toBeGreaterThan(0)
    expect(typeErrors(typed.map((block) => [at(block), block.before + block.text]))).toEqual([])
  })
})

/** As a user's compiler sees them: against the declarations in dist/. */
function typeErrors(modules: readonly (readonly [name: string, code: string])[]): string[] {
  const options: ts.CompilerOptions = {
    ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, strict: true, noEmit: true },
    ...{ skipLibCheck: true, types: ['node'] },
  }
  const texts = new Map(modules.map(([, code], i) => [join(ROOT, `block-${i}.mts`), code]))
  const host = ts.createCompilerHost(options)
  const disk = ts.createCompilerHost(options)
  host.fileExists = (path) => texts.has(path) || disk.fileExists(path)
  host.getSourceFile = (path, target, ...rest) =>
    texts.has(path)
      ? ts.createSourceFile(path, texts.get(path)!, target)
      : disk.getSourceFile(path, target, ...rest)
  const program = ts.createProgram([...texts.keys()], options, host)
  return [...texts.keys()].flatMap((path, i) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => `${modules[i][0]}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
  )
}

describe('a page', () => {
  const parse = (text: string): Block[] => parsePage('page.md', text).blocks

  test('takes a block out of a list, and the comments in front of it', () => {
    const [block] = parse('- item\n\n  <!-- test: exits 1 -->\n  ```console\n  $ false\n    two\n  ```\n')
    expect(block).toMatchObject({ line: 4, language: 'console', text: '$ false\n  two\n', exitCode: 1 })
  })

  test('takes a comment for a script', () => {
    expect(parse('<!-- test: run\nmkdir a\n-->\n')).toMatchObject([{ language: 'sh', text: 'mkdir a\n' }])
  })

  test.each([
    ['<!-- test: nonsense -->\n```sh\ntrue\n```\n', 'page.md:2: unknown directive "nonsense"'],
    ['<!-- test: output -->\n', 'no block follows "output'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})
