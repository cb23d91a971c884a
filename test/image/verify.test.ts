import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectImage } from '../../src/image/inspect.ts'
import { openImage } from '../../src/image/open-image.ts'
import { verifyImage, type VerifyOptions } from '../../src/image/verify.ts'
import { memorySource, type ByteSource } from '../../src/lib/byte-source.ts'
import type { Finding } from '../../src/lib/finding.ts'
import { buildReadable } from '../images/readable.ts'

let folder: string
let sound: Uint8Array
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-verify-'))
  // Slices of a Buffer are no copies.
  sound = new Uint8Array(readFileSync((await buildReadable(folder)).raw))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The image with bytes of it inverted. */
function damaged(...offsets: number[]): Uint8Array {
  const bytes = sound.slice()
  for (const offset of offsets) bytes[offset] ^= 0xff
  return bytes
}

/** Counts the reads of each sector-aligned offset below 1 MiB. */
function counting(bytes: Uint8Array): { source: ByteSource; reads: Map<number, number> } {
  const reads = new Map<number, number>()
  const memory = memorySource(bytes)
  const source: ByteSource = {
    size: memory.size,
    read(offset, length) {
      reads.set(offset, (reads.get(offset) ?? 0) + 1)
      return memory.read(offset, length)
    },
  }
  return { source, reads }
}

describe('verifyImage', () => {
  test('takes a source or an open image, which stays open', async () => {
    const expected = { counts: { error: 0, warning: 0, notice: 0 }, findings: [] }
    expect(await verifyImage(sound)).toMatchObject(expected)
    const image = await openImage(sound)
    expect(await verifyImage(image)).toMatchObject(expected)
    expect(await (await image.partition('ROOT').open()).readFile('/@/etc/hostname')).toHaveLength(5)
    await image.close()
  })

  test('reads the partition table once', async () => {
    const { source, reads } = counting(sound)
    await verifyImage(source)
    // Once to find out whether it is compressed, and once for the table.
    expect(reads.get(0)).toBe(2)
    reads.clear()
    const image = await openImage(source)
    await verifyImage(image)
    await inspectImage(image)
    await verifyImage(image)
    expect(reads.get(0)).toBe(2)
  })

  test('calls onFinding with what it returns: offsets in the image, and the partition', async () => {
    const { start } = (await openImage(sound)).partition('ROOT')
    const heard: Finding[] = []
    const { counts, findings, partitions } = await verifyImage(damaged(start + 65536 + 200), {
      onFinding: (finding) => heard.push(finding),
    })
    expect(findings).toEqual(heard)
    expect(counts).toEqual({ error: findings.length, warning: 0, notice: 0 })
    expect(findings[0]).toMatchObject({ severity: 'error', partition: 2, content: 'btrfs' })
    expect(findings[0].offset! - start).toBeGreaterThanOrEqual(65536)
    expect(partitions[1].counts).toEqual(counts)
    expect(partitions[0].counts.error).toBe(0)
  })

  test('of an open image finds the same', async () => {
    const bytes = damaged((1 << 20) + 90_000)
    const image = await openImage(bytes)
    expect(await verifyImage(image)).toEqual(await verifyImage(bytes))
  })

  test('a partition table damaged beyond use is a finding', async () => {
    const gpt = sound.slice(0, 1 << 20)
    gpt[446 + 4] = 0xee
    const { counts, findings, partitions } = await verifyImage(gpt)
    expect({ counts, partitions }).toEqual({ counts: { error: 1, warning: 0, notice: 0 }, partitions: [] })
    expect(findings[0].where).toBe('GPT header')
  })

  test.each<[object, string]>([
    [{ quik: true }, 'verifyImage: unknown option quik: did you mean quick?'],
    [{ boot: {} }, 'verifyImage: unknown option boot: expected one of'],
    [{ quick: 'yes' }, 'verifyImage: option quick: expected true or false, found "yes"'],
  ])('%j is refused', async (options, message) => {
    await expect(verifyImage(sound, options as VerifyOptions)).rejects.toThrow(message)
    await expect(verifyImage(sound, options as VerifyOptions)).rejects.toThrow(TypeError)
  })
})

describe('what openImage finds', () => {
  test('is on the handles, each finding once', async () => {
    const { start } = (await openImage(sound)).partition('ROOT')
    const heard: Finding[] = []
    const image = await openImage(damaged(start + 65536 + 200), { onFinding: (found) => heard.push(found) })
    expect(image.findings).toEqual([])
    // Nothing but the superblock's copy says what this partition is.
    const partition = image.partitions[1]
    expect(partition.contentType).toBe('btrfs')
    await partition.open().catch(() => undefined)
    const { findings } = await inspectImage(image)
    expect(findings.length).toBeGreaterThan(0)
    expect(findings).toEqual((await inspectImage(image)).findings)
    expect(new Set(heard.map(({ where, offset }) => `${where} ${offset}`)).size).toBe(heard.length)
  })
})
