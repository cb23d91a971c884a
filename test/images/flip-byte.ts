import { closeSync, openSync, readSync, writeSync } from 'node:fs'

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
