/**
 * Archives for benchmarks, of any size and always the same bytes: many small files, or few large ones. They are
 * written as they are made, so that memory does not bound them.
 */
import { setImmediate as breath } from 'node:timers/promises'
import { writeTar } from '../fixtures/tar-stream.mjs'

const FILES_A_DIRECTORY = 100
/** Where the closure preset has a subvolume. */
const TOP = ['nix', 'nix/store']
const LARGE_FILE = 64 * 2 ** 20
/** Text and noise take turns in a large file. */
const STRETCH = 512 * 2 ** 10
const POOL = 8 * 2 ** 20
const WORDS = 4096
const MAX_WORD = 10

const OLD = { mtime: 1_600_000_000 }
const DIRECTORY = { ...OLD, mode: 0o755 }
const FILE = { ...OLD, mode: 0o644 }

/**
 * An archive of small files, a hundred to a directory, that compress as texts and small programs do. No two are
 * alike.
 *
 * @param {string} path an existing file is replaced
 * @param {{ entries: number, minSize?: number, maxSize?: number }} options the number of all entries, directories
 *   included; bytes of the smallest and the largest file
 */
export async function makeSmallFiles(path, { entries, minSize = 300, maxSize = 3000 }) {
  const random = randomNumbers(1)
  const text = textPool(random)
  const tar = writeTar(path)
  for (const name of TOP) tar.directory(name, DIRECTORY)
  let directory
  for (let i = 0; i < entries - TOP.length; i++) {
    const at = i % (FILES_A_DIRECTORY + 1)
    if (at === 0) {
      directory = `nix/store/${hex(random())}${hex(random())}-package-${i}`
      tar.directory(directory, DIRECTORY)
      await breath()
      continue
    }
    const size = minSize + (random() % (maxSize - minSize + 1))
    const from = random() % (POOL - maxSize)
    const content = Buffer.from(text.subarray(from, from + size))
    content.write(hex(i), 'latin1')
    tar.file(`${directory}/${['module', 'header', 'data'][at % 3]}-${at}`, FILE, content)
  }
  return tar.close()
}

/**
 * An archive of large files (64 MiB, the last one what is left), half of which compresses: text and noise in turns.
 *
 * @param {string} path an existing file is replaced
 * @param {{ bytes: number }} options bytes of content
 */
export async function makeLargeFiles(path, { bytes }) {
  const random = randomNumbers(2)
  const text = textPool(random)
  const tar = writeTar(path)
  for (const name of TOP) tar.directory(name, DIRECTORY)
  const content = Buffer.alloc(Math.min(bytes, LARGE_FILE))
  for (let i = 0, left = bytes; left > 0; i++) {
    const file = content.subarray(0, Math.min(left, content.length))
    for (let at = 0; at < file.length; at += 2 * STRETCH) {
      const from = random() % (POOL - STRETCH)
      text.copy(file, at, from, from + STRETCH)
      fillWithNoise(file.subarray(at + STRETCH, at + 2 * STRETCH), random)
    }
    tar.file(`nix/store/large-${i}`, FILE, Buffer.from(file))
    left -= file.length
    await breath()
  }
  return tar.close()
}

/**
 * An archive of names more than of content: of a hundred names in a directory 60 are files (40 of 1 KiB and 20 empty), 20
 * symlinks and 20 hard links. Times differ.
 *
 * @param {string} path an existing file is replaced
 * @param {{ entries: number }} options the number of all entries, directories included
 */
export async function makeNames(path, { entries }) {
  const random = randomNumbers(5)
  const text = textPool(random)
  const tar = writeTar(path)
  for (const name of TOP) tar.directory(name, DIRECTORY)
  let directory
  let last
  for (let i = 0; i < entries - TOP.length; i++) {
    const at = i % (FILES_A_DIRECTORY + 1)
    if (at === 0) {
      const group = Math.floor(i / (FILES_A_DIRECTORY * FILES_A_DIRECTORY))
      directory = `nix/store/${hex(group)}/${hex(random())}-package-${i}`
      tar.directory(directory, DIRECTORY)
      await breath()
      continue
    }
    const name = `${directory}/member-${at}`
    const metadata = { mode: 0o644, mtime: OLD.mtime + (random() % 100_000) }
    if (at <= 40) {
      const from = random() % (POOL - 1024)
      tar.file((last = name), metadata, Buffer.from(text.subarray(from, from + 1024)))
    } else if (at <= 60) tar.file(name, metadata, Buffer.alloc(0))
    else if (at <= 80) tar.symlink(name, metadata, `member-${at - 40}`)
    else tar.hardlink(name, metadata, last)
  }
  return tar.close()
}

/** Text of words that are drawn from a vocabulary, the first ones far more often than the last. */
export function textPool(random = randomNumbers(3)) {
  const words = Array.from({ length: WORDS }, () =>
    Array.from({ length: 2 + (random() % (MAX_WORD - 2)) }, () =>
      String.fromCharCode(97 + (random() % 26)),
    ).join(''),
  )
  const pool = Buffer.alloc(POOL, ' ')
  for (let at = 0; at + MAX_WORD < POOL;) {
    const index = Math.floor((random() / 2 ** 32) * (random() / 2 ** 32) * WORDS)
    at += pool.write(words[index], at, 'latin1')
    pool[at++] = random() % 12 === 0 ? 10 : 32
  }
  return pool
}

/** Bytes that do not compress. The last ones may stay what they are where the length is no multiple of 4. */
export function fillWithNoise(bytes, random = randomNumbers(4)) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  for (let i = 0; i < words.length; i++) words[i] = random()
}

/** Numbers below 2^32 that look random: a counter, mixed (the steps of splitmix32). */
export function randomNumbers(seed) {
  let state = Math.imul(seed, 0x85eb_ca6b)
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}

function hex(number) {
  return number.toString(16).padStart(8, '0')
}
