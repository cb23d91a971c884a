import { afterEach, describe, expect, it, vi } from 'vitest'
import { styled } from '../../src/cli/style.ts'
import { diskwright } from './diskwright.ts'

const SCREEN = { isTTY: true as const, hasColors: () => true }
afterEach(() => vi.unstubAllEnvs())

describe('colours', () => {
  it('are for terminals that have them', () => {
    vi.stubEnv('NO_COLOR', '')
    expect(styled('x', 'red', SCREEN)).toBe('\x1b[31mx\x1b[0m')
    expect(styled('x', 'red', { ...SCREEN, hasColors: () => false })).toBe('x')
    expect(styled('x', 'red', {})).toBe('x')
  })

  it('are turned off by NO_COLOR', () => {
    vi.stubEnv('NO_COLOR', '1')
    expect(styled('x', 'red', SCREEN)).toBe('x')
  })

  it('are not in a pipe', async () => {
    const { stderr } = await diskwright(['ls', 'none.img'], { env: { FORCE_COLOR: '1' } })
    expect(stderr).toBe('diskwright: none.img: no such file\n')
  })
})
