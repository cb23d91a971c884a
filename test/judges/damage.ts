import { mustRun } from './run-tool.ts'

/** Offsets of the copies of the top level's root node on a BTRFS device, first copy first. */
export async function rootNodeCopies(device: string): Promise<number[]> {
  const tree = await mustRun('btrfs', ['inspect-internal', 'dump-tree', '-t', '5', device])
  const logical = /^(?:leaf|node) (\d+) /m.exec(tree.stdout)![1]
  const map = await mustRun('btrfs-map-logical', ['-l', logical, device])
  return [...map.stdout.matchAll(/physical (\d+)/g)].map(([, physical]) => Number(physical))
}
