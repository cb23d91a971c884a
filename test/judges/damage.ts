import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { mustRun } from './run-tool.ts'

/** Inverts one byte of a file: the damage that a judge must find. */
export function flipByte(path: string, offset: number): void {
  const fd = openSync(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    if (readSync(fd, byte, 0, 1, offset) !== 1) throw new Error(`${path}: nothing at offset ${offset}`)
    byte[0] ^= 0xff
    writeSync(fd, byte, 0, 1, offset)
  } finally {
    closeSync(fd)
  }
}

/** Where the copies of the top level's root node lie on a BTRFS device, in bytes, first copy first. */
export async function rootNodeCopies(device: string): Promise<number[]> {
  const tree = await mustRun('btrfs', ['inspect-internal', 'dump-tree', '-t', '5', device])
  const logical = /^(?:leaf|node) (\d+) /m.exec(tree.stdout)![1]
  const map = await mustRun('btrfs-map-logical', ['-l', logical, device])
  return [...map.stdout.matchAll(/physical (\d+)/g)].map(([, physical]) => Number(physical))
}
