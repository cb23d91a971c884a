// Places two partitions, encodes an MBR, and reads it back.
import {
  encodeMbr,
  formatFinding,
  memorySource,
  placePartitions,
  checkPartitionTable,
  readPartitionTable,
} from 'diskwright/partition-table'

const MIB = 2 ** 20
const { placements, issues } = placePartitions([
  { size: 64 * MIB, jsonPath: 'partitions[0]' },
  { size: 256 * MIB, jsonPath: 'partitions[1]' },
])
for (const { path, message } of issues) console.log(`${path}: ${message}`)

const disk = new Uint8Array(321 * MIB)
disk.set(
  encodeMbr({
    diskId: 0x2178694e,
    partitions: placements.map(({ start, size }, i) => ({
      start,
      size,
      type: i === 0 ? 0x0c : 0x83,
      bootable: i === 0,
    })),
  }),
)
const source = memorySource(disk)
const { findings } = await checkPartitionTable(source)
for (const finding of findings) console.log(formatFinding(finding))
for (const { number, start, size } of (await readPartitionTable(source)).partitions) {
  console.log(`partition ${number}: ${size} bytes at ${start}`)
}
