/** Our checker and fsck.fat must agree about what is sound. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkFatVolume } from '../../src/fat32/check/check.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { formatFinding } from '../../src/lib/finding.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { fsckFatRemarks } from '../judges/fsck-fat.ts'
import { makeFat, type FatShape } from '../judges/mkfs-fat.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { mutationsOf, type Mutation } from './mutations.ts'
import { fillWithMtools } from './sample.ts'

const hasJudges = [requireJudge('fsck.fat'), requireJudge('mkfs.fat'), requireJudge('mcopy')].every(Boolean)
const KIB = 1024

const SHAPES: Record<string, FatShape & { runs: number }> = {
  FAT12: { runs: 150, bits: 12, sectorSize: 512, clusterSize: 512, size: 200 * KIB, label: 'TWELVE' },
  FAT16: { runs: 120, bits: 16, sectorSize: 512, clusterSize: 512, size: 4400 * KIB, label: 'SIXTEEN' },
  FAT32: {
    runs: 60,
    bits: 32,
    sectorSize: 512,
    clusterSize: 512,
    size: 33.5 * 1024 * KIB,
    label: 'THIRTYTWO',
  },
}

describe.skipIf(!hasJudges)('checkFat and fsck.fat', () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  describe.each(Object.entries(SHAPES))('%s', (name, { runs, ...shape }) => {
    const path = join(folder, name)
    let sound: Uint8Array
    beforeAll(async () => {
      await makeFat(path, shape)
      await fillWithMtools(path, shape.clusterSize)
      sound = new Uint8Array(readFileSync(path))
    })

    it('find nothing wrong with a sound volume', async () => {
      expect(await fsckFatRemarks(path)).toEqual([])
      expect(ours(sound)).toEqual([])
    })

    it('find something wrong with the same damaged volumes', async () => {
      const file = openSync(path, 'r+')
      let damaged = 0
      try {
        await fc.assert(
          fc.asyncProperty(mutationsOf(sound), async ({ writes }) => {
            const bytes = sound.slice()
            for (const { offset, bytes: value } of writes) {
              bytes.set(value, offset)
              writeSync(file, value, 0, value.length, offset)
            }
            let theirs: string[]
            try {
              theirs = await fsckFatRemarks(path)
            } finally {
              for (const { offset, bytes } of writes) writeSync(file, sound, offset, bytes.length, offset)
            }
            const mine = ours(bytes)
            if (theirs.length > 0) damaged++
            // What only we complain of must be among what is known of.
            if (theirs.length === 0) expect(mine.some(isLostLabel) ? [] : notKnown(mine)).toEqual([])
            else if (!theirs.every((remark) => ONLY_THEIRS.test(remark))) expect(mine).not.toEqual([])
          }),
          { numRuns: runs, verbose: 1, examples: [[lostLabel(sound)]] },
        )
      } finally {
        closeSync(file)
      }
      expect(damaged).toBeGreaterThan(runs / 10)
    })
  })
})

function ours(bytes: Uint8Array): string[] {
  const faults: string[] = []
  driveSync(
    memorySource(bytes),
    checkFatVolume((fault) => faults.push(formatFinding(fault))),
  )
  return faults
}

/**
 * What fsck.fat does not look at: the media byte and the boot signature, without which Linux and Windows refuse a
 * volume; bits for errors on the disk; where free clusters are looked for; characters of long names and bits of their
 * numbers; names that are equal; and what is behind the end of a directory, which fsck.fat and Linux take for part of
 * it, and others do not.
 */
const ONLY_OURS = new RegExp(
  [
    /^FAT boot sector, (media|signature) /,
    /^FAT boot sector, reserved1 .* expected no errors/,
    /^FAT entry 0 .* expected \S+, with the media byte/,
    /^FAT entry 1 .* expected no errors/,
    /^FSInfo, nextFree /,
    / expected a sound long name/,
    / expected all parts of a long name/,
    / expected each name once/,
    / expected nothing after the end/,
  ]
    .map(({ source }) => source)
    .join('|'),
)

const notKnown = (faults: readonly string[]) => faults.filter((fault) => !ONLY_OURS.test(fault))

/**
 * A record whose attributes are those of a long name, with one of the two bits more that do not count by the
 * specification: fsck.fat and Linux step over it as over a label, and so over the file that it was.
 */
const lostLabel = (sound: Uint8Array): Mutation => ({
  what: 'attributes of an empty file',
  writes: [{ offset: Buffer.from(sound).indexOf('15OFMA~1') + 11, bytes: Uint8Array.of(0x4f) }],
})
const isLostLabel = (fault: string) => / expected a long name with the attributes 15, /.test(fault)

/** It takes bytes from 0x80 on for negative numbers, and so for characters that a label must not have. */
const ONLY_THEIRS = /^Volume label .* is not valid|^ {2}Auto-removing label|^Leaving filesystem unchanged/
