import type { Timestamp } from '../../file-tree/entry.ts'
import { toBytes, type ByteString } from '../../lib/byte-string.ts'
import { ATTR_DIRECTORY, ATTR_VOLUME_ID, DirEntry, NO_LABEL } from '../format.ts'
import { encodeLongName } from '../long-name.ts'
import type { FatLayout } from './plan.ts'
import type { PlannedDirectory } from './plan-tree.ts'
import { toFatTime } from '../times.ts'

/** The label in the boot sector: 11 bytes. */
export function labelBytes(label: string): Uint8Array {
  return toBytes(label === '' ? NO_LABEL : label.padEnd(11))
}

/** The records of a directory, without the zeros up to the end of its last cluster. */
export function encodeDirectory(directory: PlannedDirectory, { label, time }: FatLayout): Uint8Array {
  const records: Uint8Array[] = []
  const add = (name: ByteString, attributes: number, when: Timestamp, rest: RecordRest = {}) =>
    records.push(encodeRecord(name, attributes, when, rest))

  const { parent } = directory
  if (parent) {
    add('.'.padEnd(11), ATTR_DIRECTORY, directory.time, { cluster: directory.run.first })
    // '..' has cluster 0 for the root, wherever it lies.
    add('..'.padEnd(11), ATTR_DIRECTORY, parent.time, { cluster: parent.parent ? parent.run.first : 0 })
  } else if (label !== '') {
    add(label.padEnd(11), ATTR_VOLUME_ID, time)
  }
  for (const { node, name } of directory.children) {
    if (name.long !== undefined) records.push(...encodeLongName(name.long, name.short))
    add(name.short, node.attributes, node.time, {
      ntCase: name.ntCase,
      cluster: node.run.first,
      size: node.type === 'file' ? node.content.size : 0,
    })
  }

  const out = new Uint8Array(records.length * DirEntry.size)
  records.forEach((record, i) => out.set(record, i * DirEntry.size))
  return out
}

interface RecordRest {
  ntCase?: number
  cluster?: number
  size?: number
}

function encodeRecord(
  short: ByteString,
  attributes: number,
  when: Timestamp,
  { ntCase = 0, cluster = 0, size = 0 }: RecordRest,
): Uint8Array {
  const { date, time, tenMs } = toFatTime(when)
  return DirEntry.encode({
    name: toBytes(short),
    attributes,
    ntCase,
    createTenMs: tenMs,
    createTime: time,
    createDate: date,
    accessDate: date,
    firstClusterHigh: Math.floor(cluster / 0x10000),
    writeTime: time,
    writeDate: date,
    firstClusterLow: cluster % 0x10000,
    size,
  })
}
