/** Checks windows of data in a worker thread. */
import { DataWindow } from '../../btrfs/check/data-window.ts'
import type { HashName } from '../../lib/block-hash.ts'
import { loadReadLocated } from '../../lib/file-location.ts'
import { loadHash } from '../../lib/load-hash.ts'
import type { CreateHandler } from '../../lib/worker-pool.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'

/** @param hashName function of the checksums of sectors */
export const createHandler: CreateHandler = async (hashName) => {
  const hash = await loadHash(hashName as HashName)
  const services = { hash, zstd: await loadZstd(), readLocated: await loadReadLocated() }
  const windows = new Map<SharedArrayBuffer, DataWindow>()
  return (memory) => {
    let window = windows.get(memory)
    if (window === undefined) windows.set(memory, (window = new DataWindow(memory)))
    window.check(services)
  }
}
