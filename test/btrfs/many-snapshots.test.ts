/** The work for snapshots grows with their number alone: it is counted, not timed. */
import { expect, test } from 'vitest'
import { FIRST_FREE_OBJECTID } from '../../src/btrfs/format.ts'
import { BtrfsWriter } from '../../src/btrfs/write/writer.ts'
import { callingThreadEncoder } from '../../src/btrfs/write/extent-encoder.ts'
import { loadExtentCompression } from '../../src/btrfs/write/extent-compression.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'
import { imageSink, memorySink } from '../../src/lib/sink.ts'
import { resolvePlan } from '../../src/build/plan-image.ts'
import type { BtrfsPlan, PlacedPlan, SubvolumePlan } from '../../src/spec/plan/plan.ts'

/** A plan of so many subvolumes, each with so many snapshots, and how often their fields have been read. */
async function planWith(subvolumes: number, snapshotsEach: number) {
  const described = { type: 'btrfs', size: 'fit', sources: [], profiles: { metadata: 'single' } }
  const { partitions } = await resolvePlan({ table: { type: 'mbr' }, partitions: [described] })
  const plan = partitions[0] as PlacedPlan<BtrfsPlan>
  const [top] = plan.subvolumes
  const reads = { count: 0 }
  let id = FIRST_FREE_OBJECTID
  const counted = (fields: Partial<SubvolumePlan>): SubvolumePlan => {
    const subvolume = { ...top, isDefault: false, path: undefined, ...fields }
    const uuid = `00000000-0000-4000-8000-${String(subvolume.id).padStart(12, '0')}`
    const get = (target: SubvolumePlan, key: keyof SubvolumePlan) => {
      reads.count++
      return target[key]
    }
    return new Proxy({ ...subvolume, uuid }, { get: get as ProxyHandler<SubvolumePlan>['get'] })
  }
  const all = [top]
  for (let i = 0; i < subvolumes; i++) {
    const source = id++
    const place = { parent: top.id, directory: `s${source}`, name: `s${source}` }
    all.push(counted({ ...place, id: source, contentOf: source }))
    for (let n = 0; n < snapshotsEach; n++, id++) {
      all.push(
        counted({ ...place, directory: `s${id}`, name: `s${id}`, id, snapshotOf: source, contentOf: source }),
      )
    }
  }
  return { plan: { ...plan, subvolumes: all }, reads, snapshots: subvolumes * snapshotsEach }
}

async function write(plan: PlacedPlan<BtrfsPlan>) {
  const { compress, decompress } = await loadExtentCompression()
  const sink = memorySink()
  const encoder = callingThreadEncoder({ compress, hash: CRC32C })
  const writer = new BtrfsWriter(plan, imageSink(sink), { encoder, decompress, hash: CRC32C, name: 'it' })
  const summary = await writer.finish()
  return { writer, summary }
}

test.each([
  [1000, 3],
  [3, 1000],
  [60, 50],
])('%i subvolumes with %i snapshots each are read a few times each', async (subvolumes, snapshotsEach) => {
  const { plan, reads } = await planWith(subvolumes, snapshotsEach)
  const { writer, summary } = await write(plan)
  expect(summary.subvolumes.length).toBe(plan.subvolumes.length)
  expect(reads.count).toBeLessThan(60 * plan.subvolumes.length)

  reads.count = 0
  const view = writer.bootView
  for (const { name } of plan.subvolumes) expect(view.find(name)).toBeDefined()
  expect(reads.count).toBeLessThan(10 * plan.subvolumes.length)
})
