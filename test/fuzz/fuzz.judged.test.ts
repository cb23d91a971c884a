/** A short run of the fuzzer, the same one each time. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { TARGETS } from './targets.ts'

const crashers = mkdtempSync(join(tmpdir(), 'crashers-'))
afterAll(() => rmSync(crashers, { recursive: true }))

async function fuzz(...args: string[]): Promise<{ code: number | null; output: string }> {
  const fuzzer = join(import.meta.dirname, 'fuzz.mjs')
  const child = spawn(process.execPath, [fuzzer, '--crashers', crashers, ...args])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

test.each(TARGETS.map(({ name }) => name))('%s: nothing is found', async (name) => {
  const { code, output } = await fuzz('--target', name, '--seed', '1')
  expect(output).not.toContain('FAULT')
  expect(output).toMatch(/ executions, \d+\/s, corpus \d+, [1-9]\d+ blocks, slowest \d+ ms, 0 faults\n$/)
  expect(code).toBe(0)
})
