/** The part of a mode that says what an inode is, as stat(2) has it. */
import type { InodeType } from './reader.ts'

/** (S_IFMT) */
export const MODE_TYPE_MASK = 0o170000

/** (S_IFIFO and so on) */
export const MODE_TYPE = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const satisfies Record<InodeType, number>
