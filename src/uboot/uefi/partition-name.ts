/** Names of partitions and paths for findings. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { PartitionNames } from '../boot-tree.ts'

export function partitionName({ number, label = '' }: PartitionNames & { label?: string }): string {
  return label === '' ? `partition ${number}` : `partition ${number} (${label})`
}

export const formatPath = (path: ByteString) => toDisplay(path.startsWith('/') ? path : `/${path}`)
