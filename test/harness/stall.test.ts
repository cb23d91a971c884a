import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cpuTicks, descendants, watchForStall } from './stall.ts'

describe('watchForStall', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('a stall is a long time without any change', () => {
    const onStall = vi.fn()
    watchForStall(() => 'the same', onStall, 60_000)
    vi.advanceTimersByTime(59_000)
    expect(onStall).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(onStall).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(600_000)
    expect(onStall).toHaveBeenCalledTimes(1)
  })

  test('each change starts the wait anew', () => {
    const onStall = vi.fn()
    let progress = 0
    watchForStall(() => progress, onStall, 60_000)
    for (let i = 0; i < 100; i++) {
      vi.advanceTimersByTime(50_000)
      progress++
    }
    expect(onStall).not.toHaveBeenCalled()
    vi.advanceTimersByTime(61_000)
    expect(onStall).toHaveBeenCalledTimes(1)
  })

  test('what has ended does not stall', () => {
    const onStall = vi.fn()
    watchForStall(() => 0, onStall, 60_000)()
    vi.advanceTimersByTime(600_000)
    expect(onStall).not.toHaveBeenCalled()
  })
})

describe.skipIf(process.platform !== 'linux')('processes', () => {
  test('the CPU time of a child counts, also after it has ended', async () => {
    const busy = 'const from = process.cpuUsage().user; while (process.cpuUsage().user < from + 1e5);'
    const child = spawn(
      process.execPath,
      ['-e', `${busy} process.send(''); process.once('message', () => process.exit())`],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    await once(child, 'message')
    expect(descendants(process.pid)).toContain(child.pid)
    expect(cpuTicks([child.pid!])).toBeGreaterThanOrEqual(10)
    const before = cpuTicks([process.pid])
    child.send('')
    await once(child, 'close')
    expect(descendants(process.pid)).not.toContain(child.pid)
    expect(cpuTicks([process.pid])).toBeGreaterThanOrEqual(before)
  })
})
