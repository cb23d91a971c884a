/** Entries of file systems as `ls` shows them. */
import type { Stat } from '../image/file-system.ts'
import { toDisplay, toText, type ByteString } from '../lib/byte-string.ts'
import { exactTimeText, formatTime } from '../lib/time-text.ts'

const TYPE_LETTER: Record<Stat['type'], string> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  block: 'b',
  character: 'c',
}

/** `drwxr-xr-t` */
export function modeText({ type, mode }: Pick<Stat, 'type' | 'mode'>): string {
  const triple = (shift: number, special: boolean, letter: string) => {
    const bits = mode >> shift
    const execute = bits & 1 ? (special ? letter : 'x') : special ? letter.toUpperCase() : '-'
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${execute}`
  }
  return (
    TYPE_LETTER[type] +
    triple(6, (mode & 0o4000) !== 0, 's') +
    triple(3, (mode & 0o2000) !== 0, 's') +
    triple(0, (mode & 0o1000) !== 0, 't')
  )
}

/** `0644` */
export function octalMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** An entry with everything that `ls` shows. */
export interface ShownEntry {
  /** Name or path. */
  name: ByteString
  stat: Stat
  target: ByteString | undefined
  /** Id of the subvolume whose root it is. */
  subvolume: number | undefined
}

/** The columns of a line, the name last. */
export function entryRow({ name, stat, target, subvolume }: ShownEntry): string[] {
  const isDevice = stat.type === 'block' || stat.type === 'character'
  const arrow = target === undefined ? '' : ` -> ${toDisplay(target)}`
  const mark = subvolume === undefined ? '' : `  [subvolume ${subvolume}]`
  return [
    modeText(stat),
    String(stat.nlink),
    String(stat.uid),
    String(stat.gid),
    isDevice ? `${stat.major}, ${stat.minor}` : String(stat.size),
    formatTime(stat.mtime),
    `${toDisplay(name)}${arrow}${mark}`,
  ]
}

/** Numbers to the right, text to the left. */
const IS_NUMBER = [false, true, true, true, true, false, false]

/** Rows of `entryRow`, aligned. */
export function entryLines(rows: readonly (readonly string[])[]): string {
  const widths = IS_NUMBER.map((_, i) => rows.reduce((widest, row) => Math.max(widest, row[i].length), 0))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        i === row.length - 1 ? cell : IS_NUMBER[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
      )
      .join(' ')
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** The same for programs. */
export function entryJson({ name, stat, target, subvolume }: ShownEntry) {
  const { type, mode, uid, gid, nlink, size, ino, mtime, atime, ctime, birthtime, major, minor, flags } = stat
  return {
    ...named('path', name),
    type,
    mode: octalMode(mode),
    uid,
    gid,
    nlink,
    size,
    mtime: exactTimeText(mtime),
    atime: exactTimeText(atime),
    ...(ctime && { ctime: exactTimeText(ctime) }),
    ...(birthtime && { birthtime: exactTimeText(birthtime) }),
    inode: ino,
    ...((type === 'block' || type === 'character') && { major, minor }),
    ...(target !== undefined && named('target', target)),
    ...(flags.length > 0 && { flags }),
    ...(subvolume !== undefined && { subvolume }),
  }
}

/** Text, and the bytes in hexadecimal where they are not UTF-8. */
export function named(key: string, bytes: ByteString): Record<string, string> {
  const text = toText(bytes)
  if (text !== undefined) return { [key]: text }
  return { [key]: toDisplay(bytes), [`${key}Bytes`]: Buffer.from(bytes, 'latin1').toString('hex') }
}

/** By their bytes. */
export function byName(a: { nameBytes: Uint8Array }, b: { nameBytes: Uint8Array }): number {
  return Buffer.compare(a.nameBytes, b.nameBytes)
}
