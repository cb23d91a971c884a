import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { flipByte } from '../images/flip-byte.ts'
import { mustRun, requireJudge } from './run-tool.ts'
import { zstdDecompress, zstdList, zstdTest } from './zstd.ts'

describe.skipIf(!requireJudge('zstd'))('the zstd judge', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zstd-test-'))
  const plain = join(folder, 'plain')
  const packed = join(folder, 'packed.zst')
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('tests, lists and decompresses frames', async () => {
    const content = Buffer.concat([Buffer.from('numbers '.repeat(10_000)), Buffer.alloc(2 ** 22)])
    writeFileSync(plain, content)
    await mustRun('zstd', ['-q', plain, '-o', packed])
    appendFileSync(packed, readFileSync(packed))
    appendFileSync(packed, Buffer.from('502a4d180400000061626364', 'hex'))
    await zstdTest(packed)
    expect(await zstdList(packed)).toEqual({
      frames: 2,
      skippableFrames: 1,
      compressedSize: statSync(packed).size,
      decompressedSize: 2 * content.length,
      checksum: 'XXH64',
    })
    const target = join(folder, 'target')
    await zstdDecompress(packed, target)
    expect(readFileSync(target).equals(Buffer.concat([content, content]))).toBe(true)
    expect(statSync(target).blocks * 512).toBeLessThan(2 ** 22)
  })

  test('complains of damage', async () => {
    flipByte(packed, 40)
    await expect(zstdTest(packed)).rejects.toThrow('zstd')
  })
})
