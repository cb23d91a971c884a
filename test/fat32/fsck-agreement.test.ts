/** Our checker and fsck.fat must agree about what is sound. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkFat } from '../../src/fat32/check.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { faultText } from '../../src/lib/fault.ts'
import { runSync } from '../../src/lib/reading.ts'
import { fsckFatRemarks } from '../judges/fsck-fat.ts'
import { makeFat, type FatShape } from '../judges/mkfs-fat.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { fillWithMtools } from './sample.ts'

const hasJudges = [requireJudge('fsck.fat'), requireJudge('mkfs.fat'), requireJudge('mcopy')].every(Boolean)
const KIB = 1024

const SHAPES: Record<string, FatShape> = {
  FAT12: { bits: 12, sectorSize: 512, clusterSize: 512, size: 200 * KIB, label: 'TWELVE' },
  FAT16: { bits: 16, sectorSize: 512, clusterSize: 512, size: 4400 * KIB, label: 'SIXTEEN' },
}

describe.skipIf(!hasJudges)('checkFat and fsck.fat', () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  describe.each(Object.entries(SHAPES))('%s', (name, shape) => {
    const path = join(folder, name)
    let sound: Uint8Array
    beforeAll(async () => {
      await makeFat(path, shape)
      await fillWithMtools(path, shape.clusterSize)
      sound = new Uint8Array(readFileSync(path))
    })

    const ours = (bytes: Uint8Array) => {
      const faults: string[] = []
      runSync(
        memorySource(bytes),
        checkFat((fault) => faults.push(faultText(fault))),
      )
      return faults
    }

    it('find nothing wrong with a sound volume', async () => {
      expect(await fsckFatRemarks(path)).toEqual([])
      expect(ours(sound)).toEqual([])
    })

    it('x', async () => {
      const used: number[] = []
      sound.forEach((byte, i) => {
        if (byte !== 0 && byte !== sound[i + 512]) used.push(i)
      })
      let n = 0
      const seen = new Map<string, number>()
      await fc.assert(
        fc.asyncProperty(fc.nat(60000), fc.integer({ min: 1, max: 255 }), async (at, xor) => {
          const bytes = sound.slice()
          bytes[at] ^= xor
          writeFileSync(path, bytes)
          const theirs = await fsckFatRemarks(path).catch((error: unknown) => [String(error)])
          const mine = ours(bytes)
          n++
          if (mine.length > 0 !== theirs.length > 0) {
            const say = `${mine.length > 0 ? 'OURS ' + mine[0] : 'THEIRS ' + theirs.join('|')}`
            console.log(at, xor, say)
          }
        }),
        { numRuns: 1500 },
      )
    }, 200000)
  })
})
