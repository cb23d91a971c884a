import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage, type Entry } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { writeBtrfs } from '../../src/btrfs/write/write-btrfs.ts'
import { writeFat32 } from '../../src/fat32/write/write-fat32.ts'
import { memorySink } from '../../src/lib/sink.ts'
import { inFolder } from '../images/build.ts'

const never = () => new Promise<never>(() => undefined)

/** Sources that never go on, each of which aborts when it is waited for. */
const STUCK: Record<string, (abort: () => void) => AsyncIterable<Entry>> = {
  'an entry': async function* (abort) {
    yield { path: 'a', type: 'file', content: 'a' }
    setImmediate(abort)
    await never()
  },
  'a piece of content': async function* (abort) {
    async function* content() {
      yield new Uint8Array(1)
      setImmediate(abort)
      await never()
    }
    yield await Promise.resolve({ path: 'a', type: 'file', size: 100, content: content() } as const)
  },
}

describe.each(Object.keys(STUCK))('waiting for %s that never comes ends with the signal', (name) => {
  const aborting = () => {
    const controller = new AbortController()
    const entries = STUCK[name](() => controller.abort(new Error('enough')))
    return { entries, signal: controller.signal }
  }

  test('in writeBtrfs', async () => {
    const { entries, signal } = aborting()
    await expect(writeBtrfs({}, entries, memorySink(), { signal })).rejects.toThrow('enough')
  })

  test('in writeFat32', async () => {
    const { entries, signal } = aborting()
    await expect(writeFat32({ size: '64MiB' }, entries, memorySink(), { signal })).rejects.toThrow('enough')
  })

  test('in buildImage, which leaves no file', () =>
    inFolder(async (folder) => {
      const { entries, signal } = aborting()
      const building = buildImage(
        { table: { type: 'mbr' }, partitions: [{ type: 'btrfs', size: 'fit', sources: [{ entries }] }] },
        { output: join(folder, 'disk.img'), workers: 0, signal },
      )
      await expect(building).rejects.toThrow('enough')
      expect(readdirSync(folder)).toEqual([])
    }))
})
