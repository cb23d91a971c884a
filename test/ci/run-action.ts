/** Runs the steps of a composite action, as a runner of GitHub does: expressions are those of its own library. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import type { FunctionDefinition } from '@actions/expressions/funcs/info'
import { runTool } from '../judges/run-tool.ts'
import { readAction } from './action-file.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface ActionRun {
  succeeded: boolean
  /** Standard output and standard error of all steps. */
  log: string
  outputs: Record<string, string>
  /** The summary of the job, as Markdown. */
  summary: string
  /** Names of the steps that ran. */
  ran: string[]
  /** Contents of `with` of the steps that use other actions, by the action's name. */
  used: Record<string, Record<string, string>[]>
}

export interface RunOptions {
  inputs: Record<string, string>
  /** GITHUB_WORKSPACE. */
  workspace: string
  /** RUNNER_TEMP: empty when a job starts. */
  temp: string
  /** Where actions/cache keeps what it was given; undefined: it finds nothing and keeps nothing. */
  cache?: string
  env?: Record<string, string>
}

/** @throws Error when an input is unknown, or an expression names what there is not */
export async function runAction({
  inputs,
  workspace,
  temp,
  cache,
  env = {},
}: RunOptions): Promise<ActionRun> {
  const action = readAction()
  for (const name of Object.keys(inputs)) {
    if (!(name in action.inputs)) throw new Error(`unknown input: ${name}`)
  }
  const given = Object.fromEntries(
    Object.entries(action.inputs).map(([name, { default: value = '' }]) => [name, inputs[name] ?? value]),
  )
  const steps: Record<string, Record<string, string>> = {}
  const result: ActionRun = { succeeded: true, log: '', outputs: {}, summary: '', ran: [], used: {} }
  const contexts = () => ({
    inputs: given,
    runner: { os: 'Linux', arch: 'X64', temp },
    steps: Object.fromEntries(Object.entries(steps).map(([id, outputs]) => [id, { outputs }])),
  })
  const expand = (text: string) => expandIn(text, contexts(), result.succeeded)
  mkdirSync(temp, { recursive: true })
  const saved: (() => void)[] = []
  for (const step of action.runs.steps) {
    const condition = step.if?.replace(/^\$\{\{(.*)\}\}$/s, '$1') ?? 'success()'
    const asked = /\b(?:always|failure|success|cancelled)\(\)/.test(condition)
      ? condition
      : `success() && (${condition})`
    if (evaluate(asked, contexts(), result.succeeded) !== 'true') continue
    result.ran.push(step.name)
    if (step.uses !== undefined) {
      const [name] = step.uses.split('@')
      const options = mapValues(step.with ?? {}, (value) => expand(String(value)))
      ;(result.used[name] ??= []).push(options)
      const outputs = name === 'actions/cache' ? restore(cache, options, saved) : {}
      if (step.id !== undefined) steps[step.id] = outputs
      continue
    }
    const script = join(temp, 'step.sh')
    const [output, summary] = [join(temp, 'output'), join(temp, 'summary')]
    // What a script is made of is not expanded: inputs would become a part of it.
    writeFileSync(script, step.run!)
    writeFileSync(output, '')
    const ran = await runTool(
      'env',
      ['-C', workspace, 'bash', '--noprofile', '--norc', '-e', '-o', 'pipefail', script],
      {
        env: {
          ...env,
          GITHUB_ACTIONS: 'true',
          GITHUB_ACTION_PATH: ROOT,
          GITHUB_WORKSPACE: workspace,
          GITHUB_OUTPUT: output,
          GITHUB_STEP_SUMMARY: summary,
          RUNNER_TEMP: temp,
          ...mapValues(step.env ?? {}, expand),
        },
      },
    )
    result.log += ran.stdout + ran.stderr
    if (ran.code !== 0) result.succeeded = false
    if (step.id !== undefined) steps[step.id] = outputsIn(readFileSync(output, 'utf8'))
    if (existsSync(summary)) result.summary = readFileSync(summary, 'utf8')
  }
  if (result.succeeded) saved.forEach((save) => save())
  result.outputs = mapValues(action.outputs, ({ value }) => expand(value))
  return result
}

function mapValues<T>(object: Record<string, T>, change: (value: T) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

/** `name=value` lines. */
function outputsIn(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
}

/** actions/cache: the path, if the key is known; it is kept at the end of a job that succeeds. */
function restore(cache: string | undefined, options: Record<string, string>, saved: (() => void)[]) {
  if (cache === undefined) return { 'cache-hit': '' }
  const { path, key } = options
  if (key.includes('/')) throw new Error(`not a key: ${key}`)
  const kept = join(cache, key)
  if (existsSync(kept)) {
    cpSync(kept, path, { recursive: true, verbatimSymlinks: true })
    return { 'cache-hit': 'true' }
  }
  saved.push(() => cpSync(path, kept, { recursive: true, verbatimSymlinks: true }))
  return { 'cache-hit': '' }
}

function expandIn(text: string, contexts: Record<string, unknown>, succeeded: boolean): string {
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    evaluate(expression, contexts, succeeded),
  )
}

function evaluate(expression: string, contexts: Record<string, unknown>, succeeded: boolean): string {
  const status = (name: string, value: boolean): FunctionDefinition => ({
    ...{ name, minArgs: 0, maxArgs: 0 },
    call: () => new data.BooleanData(value),
  })
  const functions = [
    ...[status('always', true), status('cancelled', false)],
    ...[status('success', succeeded), status('failure', !succeeded)],
  ]
  const { tokens } = new Lexer(expression).lex()
  const parsed = new Parser(tokens, Object.keys(contexts), functions).parse()
  const known = new Map(functions.map((each) => [each.name, each]))
  return new Evaluator(parsed, dictionary(contexts), known).evaluate().coerceString()
}

/** @param object of strings, and of such objects */
function dictionary(object: object): data.Dictionary {
  return new data.Dictionary(
    ...Object.entries(object).map(([key, value]: [string, unknown]) => ({
      key,
      value: typeof value === 'object' ? dictionary(value!) : new data.StringData(value as string),
    })),
  )
}
