/** A signal ends a build that waits for others. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
  closeSync,
  constants,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noise } from '../images/build.ts'
import { buildTar } from '../tar/build-tar.ts'
import { killWhenStalled, MAIN } from './diskwright.ts'

const TAR = buildTar([{ path: 'large', type: 'file', content: noise(3 << 20) }])

let folder: string
let child: ChildProcess | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-interrupt-'))
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** Starts the command, and gives what it said when it has ended. */
function start(...args: string[]) {
  const started = spawn(process.execPath, [MAIN, 'build', '--quiet', ...args], { cwd: folder })
  child = started
  killWhenStalled(started)
  let stderr = ''
  started.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<object>((done) => {
    started.on('exit', (code, signal) => setImmediate(() => done({ code: code ?? signal, stderr })))
  })
  return { process: started, ended }
}

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))
const INTERRUPTED = { code: 143, stderr: 'diskwright: interrupted by SIGTERM\n' }

describe('SIGTERM ends a build', () => {
  it('whose image nobody takes', async () => {
    writeFileSync(join(folder, 'closure.tar'), TAR)
    const { process, ended } = start('--closure', 'closure.tar', '-o', '-')
    // From the first byte on it is pouring the image out; nothing more is read of it.
    await new Promise((done) => process.stdout.once('readable', done))
    await sleep(200)
    process.kill('SIGTERM')
    expect(await ended).toEqual(INTERRUPTED)
  })

  it('whose archive is a pipe that nobody has opened for writing', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const { process, ended } = start('--closure', 'pipe', '-o', 'x.img')
    while (readdirSync(folder).length < 2) await sleep(10)
    await sleep(100)
    process.kill('SIGTERM')
    expect(await ended).toEqual(INTERRUPTED)
    expect(readdirSync(folder)).toEqual(['pipe'])
  })

  it('whose archive is a pipe that nobody writes to any more', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const { process, ended } = start('--closure', 'pipe', '-o', 'x.img')
    while (readdirSync(folder).length < 2) await sleep(10)
    // Open for reading, too: this must not wait for the other side.
    const pipe = openSync(join(folder, 'pipe'), constants.O_RDWR)
    try {
      writeSync(pipe, TAR.subarray(0, 4096))
      await sleep(200)
      process.kill('SIGTERM')
      expect(await ended).toEqual(INTERRUPTED)
      expect(readdirSync(folder)).toEqual(['pipe'])
    } finally {
      closeSync(pipe)
    }
  })
})

it('an archive can come through a named pipe', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const { ended } = start('--closure', 'pipe', '-o', 'x.img')
  writeFileSync(join(folder, 'closure.tar'), TAR)
  await sleep(100)
  const feeding = spawn('sh', ['-c', 'cat closure.tar >pipe'], { cwd: folder })
  const fed = new Promise((done) => feeding.on('close', done))
  expect(await ended).toEqual({ code: 0, stderr: '' })
  expect(await fed).toBe(0)
  expect(readdirSync(folder).sort()).toEqual(['closure.tar', 'pipe', 'x.img'])
})
