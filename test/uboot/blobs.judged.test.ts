/** Boot loaders as U-Boot's mkimage makes them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { blobAt } from '../../src/uboot/blobs/find-blobs.ts'
import { findTool, missingJudge, mustRun } from '../judges/run-tool.ts'

async function made(args: readonly string[], input: Uint8Array): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mkimage-'))
  try {
    await writeFile(join(folder, 'spl'), input)
    await writeFile(join(folder, 'imx.cfg'), 'IMAGE_VERSION 2\nBOOT_FROM sd\nDATA 4 0x020c4068 0xffffffff\n')
    const placed = args.map((arg) => (arg === 'imx.cfg' ? join(folder, arg) : arg))
    await mustRun('mkimage', [...placed, '-d', join(folder, 'spl'), join(folder, 'out')])
    return await readFile(join(folder, 'out'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

const spl = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) & 0xff)

describe.skipIf(findTool('mkimage') === undefined && !missingJudge('mkimage', 'not on PATH'))(
  'mkimage',
  () => {
    test.each([
      ['sunxi_egon', ['-T', 'sunxi_egon'], 'allwinner'],
      ['rksd, the older ID block', ['-T', 'rksd', '-n', 'rk3399'], 'rockchip'],
      ['rksd, encrypted', ['-T', 'rksd', '-n', 'rk3188'], 'rockchip'],
      ['rksd, the newer ID block', ['-T', 'rksd', '-n', 'rk3568'], 'rockchip'],
      ['imximage', ['-T', 'imximage', '-n', 'imx.cfg', '-e', '0x877fffc0'], 'imx'],
    ])('%s', async (_, args, kind) => {
      const blob = await made(args, spl)
      const { problem, ...found } = blobAt(blob)!
      expect(found).toMatchObject({ kind })
      expect(problem).toBeUndefined()
      if (kind !== 'allwinner') return
      const damaged = blob.slice()
      damaged[10_000] ^= 1
      expect(blobAt(damaged)?.problem).toMatch(/wrong checksum/)
    })
  },
)
