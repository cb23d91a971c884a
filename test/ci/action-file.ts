import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export interface Step {
  name: string
  id?: string
  if?: string
  uses?: string
  with?: Record<string, string | number | boolean>
  run?: string
  shell?: string
  env?: Record<string, string>
}

export interface Action {
  inputs: Record<string, { description: string; default?: string; required?: boolean }>
  outputs: Record<string, { description: string; value: string }>
  runs: { using: string; steps: Step[] }
}

/** action.yml of this repository. */
export function readAction(): Action {
  return parse(readFileSync(join(import.meta.dirname, '../../action.yml'), 'utf8')) as Action
}
