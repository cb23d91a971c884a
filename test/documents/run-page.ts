/** Runs the blocks of a page, in their order, and compares what they print. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { expect } from 'vitest'
import { copyInput, linkPackages, writeInputs, writePrograms } from './page-folder.ts'
import type { Block, Page } from './pages.ts'

/** A command, or a file to write. */
export interface Step {
  line: number
  script: string
  /** What it prints. */
  expected?: string
}

const isScript = (block: Block) => block.language === 'sh' || block.language === 'console'
const isModule = (block: Block) => block.language === 'js' || block.language === 'ts'

/** Whether a block is run, by `npm test` or on a machine with QEMU. */
export function runs(block: Block, machine = false): boolean {
  if (block.notRun !== undefined || (block.isMachine && !machine)) return false
  return isScript(block) || isModule(block) || block.file !== undefined
}

/** Whether running a page takes a shell. */
export const takesShell = (page: Page) => page.blocks.some((block) => runs(block) && isScript(block))

/**
 * Runs steps in a folder.
 *
 * @param outputs a folder for what each step prints, in files named by their number
 * @param path the page, for messages
 */
export type RunSteps = (
  steps: readonly Step[],
  cwd: string,
  outputs: string,
  env: Record<string, string>,
  path: string,
) => Promise<void>

/** The inputs of all pages, made once. */
export class PageRunner {
  private readonly runSteps: RunSteps
  private readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'diskwright-documents-')))

  /** @param runSteps `runShell`, unless no page takes a shell */
  constructor(runSteps: RunSteps = runNode) {
    this.runSteps = runSteps
  }

  async open(): Promise<this> {
    for (const name of ['inputs', 'bin']) mkdirSync(join(this.folder, name))
    await writeInputs(join(this.folder, 'inputs'))
    writePrograms(join(this.folder, 'bin'))
    return this
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs a page. @param env added to the environment of its commands */
  async run(
    page: Page,
    { machine = false, env = {} }: { machine?: boolean; env?: Record<string, string> } = {},
  ) {
    const folder = mkdtempSync(join(this.folder, 'page-'))
    try {
      const [me, outputs] = [join(folder, 'me'), join(folder, 'outputs')]
      for (const name of [me, outputs]) mkdirSync(name)
      for (const name of page.inputs) copyInput(join(this.folder, 'inputs', name), join(me, name))
      linkPackages(me)
      const steps = stepsOf(page, me, machine)
      const environment = {
        ...{ HOME: me, NO_COLOR: '1', TZ: 'UTC', LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: '' },
        ...{ MACHINE: machine ? '1' : '', REPOSITORY: join(import.meta.dirname, '../..'), ...env },
        PATH: `${join(this.folder, 'bin')}${delimiter}${process.env.PATH}`,
      }
      await this.runSteps(steps, me, outputs, environment, page.path)
      steps.forEach(({ line, expected }, i) => {
        if (expected === undefined) return
        const printed = readFileSync(join(outputs, String(i)), 'utf8').replaceAll(me, '/home/me')
        expectOutput(printed, expected, `${page.path}:${line}`)
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function stepsOf(page: Page, folder: string, machine: boolean): Step[] {
  const steps: Step[] = []
  for (const block of page.blocks) {
    if (block.isOutput && steps.length > 0) steps.at(-1)!.expected = block.text
    if (!runs(block, machine)) continue
    if (block.file !== undefined) steps.push(fileStep(block, folder))
    else if (block.language === 'sh') steps.push({ line: block.line, script: block.text })
    else if (block.language === 'console') steps.push(...consoleSteps(block))
    else steps.push(moduleStep(block, folder))
  }
  return steps
}

/** A block that is the content of a file, which appears when it is its turn. */
function fileStep({ file, line, text }: Block, folder: string): Step {
  const waiting = join(folder, `.file-${line}`)
  writeFileSync(waiting, text)
  return { line, script: `mkdir -p "$(dirname '${file}')"\nmv '${waiting}' '${file}'\n` }
}

function moduleStep({ line, language, before, text }: Block, folder: string): Step {
  const code =
    language === 'ts' ? transformSync(before + text, { loader: 'ts', format: 'esm' }).code : before + text
  const name = `.block-${line}.mjs`
  writeFileSync(join(folder, name), code)
  return { line, script: `node ${name}\n` }
}

/** `$ ` begins a command, `> ` and a line after a backslash continue it; all other lines are output. */
function consoleSteps({ line, text, exitCode }: Block): Step[] {
  const steps: Step[] = []
  let continues = false
  text.split('\n').forEach((row, i) => {
    const last = steps.at(-1)
    if (row.startsWith('$ ')) steps.push({ line: line + 1 + i, script: `${row.slice(2)}\n` })
    else if (last === undefined) throw new Error(`line ${line}: a console block begins with "$ "`)
    else if (continues || row.startsWith('> ')) last.script += `${row.replace(/^> /, '')}\n`
    else if (row !== '' || last.expected !== undefined) last.expected = `${last.expected ?? ''}${row}\n`
    continues = (row.startsWith('$ ') || continues) && row.endsWith('\\')
  })
  if (exitCode !== 0) steps.at(-1)!.script = `{\n${steps.at(-1)!.script}} || [ $? -eq ${exitCode} ]\n`
  return steps
}

/** Modules and files alone need no shell. */
async function runNode(
  steps: readonly Step[],
  cwd: string,
  outputs: string,
  env: Record<string, string>,
): Promise<void> {
  for (const [i, { script }] of steps.entries()) {
    const [, from, to] = /mv '(.*)' '(.*)'/.exec(script) ?? []
    if (from !== undefined) {
      mkdirSync(dirname(join(cwd, to)), { recursive: true })
      cpSync(from, join(cwd, to))
      continue
    }
    const name = script.replace(/^node |\n$/g, '')
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [name], { cwd, env })
    writeFileSync(join(outputs, String(i)), stdout + stderr)
  }
}

/** What a terminal does not show as text. Consoles of machines have it. */
const CONTROLS = /\r|\x1b\[[\d;?=]*[A-Za-z]/g

/** Times are those of the machine that wrote the page. */
const withoutTimes = (text: string) =>
  text
    .replaceAll(CONTROLS, '')
    .replaceAll(/\bin [\d.,]+ (?:ms|s|min)\b/g, 'in 0 s')
    .replaceAll(/[ \t]+$/gm, '')
    .trimEnd()

function expectOutput(printed: string, expected: string, place: string): void {
  const lines = withoutTimes(expected).split('\n')
  const pattern = lines
    .map((line) => {
      if (line === '...') return '(?:.*\n)*?'
      return `${line.split('...').map(escapeRegExp).join('.*')}\n`
    })
    .join('')
  const text = `${withoutTimes(printed)}\n`
  // What differs is easier to see in two texts than in a pattern.
  if (!new RegExp(`^${pattern}$`).test(text)) expect(text, place).toBe(`${lines.join('\n')}\n`)
}

const escapeRegExp = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
