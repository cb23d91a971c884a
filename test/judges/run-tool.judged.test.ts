import { afterEach, describe, expect, test, vi } from 'vitest'
import { findTool, mustRun, requireJudge, runTool } from './run-tool.ts'

afterEach(() => vi.unstubAllEnvs())

describe('runTool', () => {
  test('gives exit code and output', async () => {
    const result = await runTool('sh', ['-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' })
    expect(result).toEqual({ code: 3, stdout: 'hello', stderr: 'oops\n' })
  })

  test('kills a tool that makes no progress, and what it started', async () => {
    const running = runTool('sh', ['-c', 'echo started; sleep 1000; true'], { stallMs: 1000 })
    await expect(running).rejects.toThrow(/no progress for 1000 ms\nstarted/)
  })

  test('throws when the tool is not there', async () => {
    await expect(runTool('no-such-tool', [])).rejects.toThrow('no-such-tool')
  })

  test('mustRun says what failed', async () => {
    await expect(mustRun('sh', ['-c', 'echo why; exit 2'])).rejects.toThrow(/exit code 2\nwhy/)
  })
})

describe('requireJudge', () => {
  test('a tool that is there', () => expect(requireJudge('sh')).toBe(true))

  test('a missing tool is skipped, but not in CI', () => {
    vi.stubEnv('CI', '')
    expect(findTool('no-such-tool')).toBeUndefined()
    expect(requireJudge('no-such-tool')).toBe(false)
    vi.stubEnv('CI', 'true')
    expect(() => requireJudge('no-such-tool')).toThrow('CI is set')
  })
})
