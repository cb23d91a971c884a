/**
 * The pages of the documentation and the code blocks in them. The language of a block decides how it is checked:
 *
 * | language       | check                                                                                     |
 * | -------------- | ----------------------------------------------------------------------------------------- |
 * | `sh`           | a script: runs with `bash -euo pipefail`, in the folder of the page                       |
 * | `console`      | lines with `$ ` run in the same way; the lines below them are what they print              |
 * | `js`, `ts`     | runs as a module for which `diskwright` is the package; `ts` is type-checked as well       |
 * | `json`, `yaml` | a description of an image, a partition of one, or a source                                 |
 * | `nix`          | parsed                                                                                     |
 * | others         | not checked; a directive can make them a file, or the expected output                      |
 *
 * The blocks of a page run in their order, and variables of the shell persist. In what a command prints, a line `...`
 * stands for any number of lines, `...` in a line for any text, the folder is `/home/me`, and times are not compared.
 *
 * A comment in front of a block, `<!-- test: DIRECTIVE -->`, changes this:
 *
 * | directive              | meaning                                                                           |
 * | ---------------------- | --------------------------------------------------------------------------------- |
 * | `not run, REASON`      | the block cannot be run by a test                                                 |
 * | `machine`              | the block runs in `npm run test:boot` only, with QEMU and the network              |
 * | `file PATH`            | the block is the content of a file, which is written before the next block runs    |
 * | `exits N`              | its last command ends with this exit code                                          |
 * | `output`               | the block is what the block before it prints                                       |
 * | `not a description`    | the JSON or YAML is only parsed                                                    |
 * | `before`, a line, CODE | code that runs in front of the block's: imports, and what the text has introduced  |
 * | `run`, a line, SCRIPT  | stands alone: a script that the page does not show, such as one that makes a file  |
 * | `machine run`, ...     | the same, in `npm run test:boot` only                                             |
 * | `inputs NAMES`         | stands alone: files of page-folder.ts that are in the folder from the beginning   |
 * | `needs TOOLS`          | stands alone: judges without which the page is not run                            |
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export interface Block {
  /** Of the opening fence. */
  line: number
  language: string
  text: string
  /** Why no test runs it. */
  notRun?: string
  isMachine: boolean
  /** Path of the file that it is the content of. */
  file?: string
  exitCode: number
  isOutput: boolean
  isOther: boolean
  /** Code in front of it. */
  before: string
}

export interface Page {
  path: string
  blocks: Block[]
  /** Files of page-folder.ts. */
  inputs: string[]
  /** Judges; see scripts/install-judges.sh. */
  needs: string[]
}

/** Every page of docs/, and README.md. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !/^(?:reference\/api|\.vitepress)\//.test(path))
    .map((path) => join('docs', path))
    .sort(),
]

export const readPage = (path: string): Page => parsePage(path, readFileSync(join(ROOT, path), 'utf8'))

const FENCE_OR_DIRECTIVE =
  /^(?<indent> *)(?<fence>```+)(?<info>[^\n]*)\n(?<text>.*?)^ *\k<fence>$|<!-- test: (?<directive>.*?)-->/gms

/** @throws Error for a directive that is unknown, or that no block follows */
export function parsePage(path: string, markdown: string): Page {
  const blocks: Block[] = []
  const inputs: string[] = []
  const needs: string[] = []
  let directives: string[] = []
  for (const match of markdown.matchAll(FENCE_OR_DIRECTIVE)) {
    const { indent, info, text, directive } = match.groups!
    const line = markdown.slice(0, match.index).split('\n').length
    if (directive === undefined) {
      const content = text.replaceAll(new RegExp(`^ {0,${indent.length}}`, 'gm'), '')
      const block = { line, language: info.trim().split(/[\s{]/)[0], text: content, ...plainBlock() }
      for (const each of directives) applyDirective(block, each, `${path}:${line}`)
      blocks.push(block)
      directives = []
    } else if (/^(machine )?run\n/.test(directive)) {
      const script = directive.slice(directive.indexOf('\n') + 1)
      blocks.push({
        ...{ line, language: 'sh', text: script, ...plainBlock() },
        isMachine: directive.startsWith('machine'),
      })
    } else if (directive.startsWith('inputs ')) {
      inputs.push(...directive.trim().split(/\s+/).slice(1))
    } else if (directive.startsWith('needs ')) {
      needs.push(...directive.trim().split(/\s+/).slice(1))
    } else {
      directives.push(directive)
    }
  }
  if (directives.length > 0) throw new Error(`${path}: no block follows "${directives.join('", "')}"`)
  return { path, blocks, inputs, needs }
}

const plainBlock = () => ({ isMachine: false, exitCode: 0, isOutput: false, isOther: false, before: '' })

function applyDirective(block: Block, directive: string, place: string): void {
  const [, word, rest] = /^(not run,|machine|file|exits|output|not a description|before)(.*)$/s.exec(
    directive,
  ) ?? [undefined, undefined, '']
  const value = rest.trim()
  if (word === 'not run,') block.notRun = value
  else if (word === 'machine') block.isMachine = true
  else if (word === 'file') block.file = value
  else if (word === 'exits') block.exitCode = Number(value)
  else if (word === 'output') block.isOutput = true
  else if (word === 'not a description') block.isOther = true
  else if (word === 'before') block.before = `${value}\n`
  else throw new Error(`${place}: unknown directive "${directive.trim()}"`)
}
