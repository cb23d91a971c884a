/** The machines are programs of Node: QEMU is asked in test/machine. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type RunOptions, runMachine } from '../../../src/boot/qemu/run-machine.ts'
import { inFolder } from '../../images/build.ts'

/** Runs a program, and gives the outcome and what came on its console. */
async function run(program: string, options: Partial<RunOptions> = {}) {
  return inFolder(async (folder) => {
    let said = ''
    const outcome = await runMachine(process.execPath, ['-e', program], {
      consolePath: join(folder, 'console'),
      onConsole: (piece) => (said += Buffer.from(piece).toString()),
      ...options,
    })
    return { outcome, said }
  })
}

/** Never ends by itself. */
const onAndOn = `const { writeSync } = require('node:fs')
writeSync(1, 'U-Boot\\n')
setTimeout(() => writeSync(1, 'log'), 50)
setTimeout(() => writeSync(1, 'in:'), 100)
setInterval(() => {}, 1000)`

test('all that is said reaches the caller, also what is said at the very end', async () => {
  const text = `require('node:fs').writeSync(1, 'line\\n'.repeat(100_000)); process.exit()`
  expect(await run(text)).toEqual({ outcome: 'ended', said: 'line\n'.repeat(100_000) })
})

test('the console is a file, which takes everything at once while nobody reads', async () => {
  const { said } = await run(`process.stdout.write(String(require('node:fs').fstatSync(1).isFile()))`)
  expect(said).toBe('true')
})

test('the expected text ends it, though it comes in pieces', async () => {
  expect(await run(onAndOn, { expect: 'login:' })).toEqual({ outcome: 'expected', said: 'U-Boot\nlogin:' })
})

test('so does the time', async () => {
  expect(await run(onAndOn, { timeoutMs: 10, expect: 'nothing like it' })).toMatchObject({
    outcome: 'timeout',
  })
})

test('and a signal, whose reason is thrown', async () => {
  const abort = new AbortController()
  const onConsole = () => abort.abort(new Error('enough'))
  await expect(run(onAndOn, { signal: abort.signal, onConsole })).rejects.toThrow('enough')
})

test('what the caller throws ends it, and is thrown', async () => {
  const onConsole = () => {
    throw new Error('no room')
  }
  await expect(run(onAndOn, { onConsole })).rejects.toThrow('no room')
})

test('a failure is reported with the last line of what the program says of it', async () => {
  const failing = `console.error('one'); console.error('no such disk'); process.exit(3)`
  await expect(run(failing)).rejects.toThrow(/ended with code 3: no such disk$/)
})
