/** Sparse files of tar archives, for tests. GNU tar and Python read them. */
import { toBytes, toLatin1, writeBytes, type ByteString } from '../../src/lib/byte-string.ts'
import { joinBlocks, paxHeader, ustarHeader, type UstarFields } from './build-tar.ts'

export type SparseFormat = 'gnu' | '0.0' | '0.1' | '1.0'

export interface SparseMap {
  /** Bytes of the file. */
  size: number
  /** Offset and length of what the archive has. */
  map: (readonly [number, number])[]
}

const BLOCK = 512

/** What of a content is not blocks of zeros. As GNU tar does, the end of the file is there, be it empty. */
export function mapOf(content: Uint8Array): SparseMap {
  const map: [number, number][] = []
  for (let at = 0; at < content.length; at += BLOCK) {
    const block = content.subarray(at, at + BLOCK)
    if (block.every((byte) => byte === 0)) continue
    const last = map.at(-1)
    if (last !== undefined && last[0] + last[1] === at) last[1] += block.length
    else map.push([at, block.length])
  }
  const [offset = 0, length = 0] = map.at(-1) ?? []
  if (offset + length < content.length) map.push([content.length, 0])
  return { size: content.length, map }
}

export function pick(content: Uint8Array, { map }: SparseMap): Uint8Array {
  return new Uint8Array(
    Buffer.concat(map.map(([offset, length]) => content.subarray(offset, offset + length))),
  )
}

/** Headers, map and content of a sparse file. */
export function sparseBlocks(
  { size, map, format }: SparseMap & { format: SparseFormat },
  records: readonly (readonly [string, ByteString])[],
  fields: UstarFields,
  content: Uint8Array,
): Uint8Array[] {
  if (format === 'gnu') return oldGnuBlocks({ size, map }, records, fields, content)
  const before = records.filter(([key]) => key !== 'path')
  const name = records.find(([key]) => key === 'path')?.[1] ?? fields.name
  const madeUp = { ...fields, name: 'GNUSparseFile.1/made-up' }
  const numbers = map.flat()
  switch (format) {
    case '0.0': {
      const sparse: [string, ByteString][] = [
        ['GNU.sparse.size', `${size}`],
        ['GNU.sparse.numblocks', `${map.length}`],
        ...map.flatMap(([offset, length]): [string, ByteString][] => [
          ['GNU.sparse.offset', `${offset}`],
          ['GNU.sparse.numbytes', `${length}`],
        ]),
      ]
      return [paxHeader('x', [...records, ...sparse]), ustarHeader(fields), content]
    }
    case '0.1': {
      const sparse: [string, ByteString][] = [
        ['GNU.sparse.name', name],
        ['GNU.sparse.size', `${size}`],
        ['GNU.sparse.numblocks', `${map.length}`],
        ['GNU.sparse.map', numbers.join()],
      ]
      return [paxHeader('x', [...before, ...sparse]), ustarHeader(madeUp), content]
    }
    case '1.0': {
      const sparse: [string, ByteString][] = [
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', name],
        ['GNU.sparse.realsize', `${size}`],
      ]
      const text = joinBlocks([toBytes([map.length, ...numbers].map((number) => `${number}\n`).join(''))])
      const whole = { ...madeUp, size: text.length + content.length }
      return [paxHeader('x', [...before, ...sparse]), ustarHeader(whole), text, content]
    }
  }
}

function oldGnuBlocks(
  { size, map }: SparseMap,
  records: readonly (readonly [string, ByteString])[],
  fields: UstarFields,
  content: Uint8Array,
): Uint8Array[] {
  const octal = (value: number) =>
    value < 8 ** 11 ? `${value.toString(8).padStart(11, '0')}\0` : base256(value)
  const pair = ([offset, length]: readonly [number, number]) =>
    `${toLatin1(octal(offset))}${toLatin1(octal(length))}`
  const raw: Record<number, ByteString> = { 345: '\0'.repeat(155), 483: octal(size) }
  map.slice(0, 4).forEach((entry, i) => (raw[386 + 24 * i] = pair(entry)))
  const extensions: Uint8Array[] = []
  for (let from = 4; from < map.length; from += 21) {
    const block = new Uint8Array(BLOCK)
    map.slice(from, from + 21).forEach((entry, i) => writeBytes(block, 24 * i, pair(entry)))
    if (from + 21 < map.length) block[504] = 1
    extensions.push(block)
  }
  if (extensions.length > 0) raw[482] = '\x01'
  const header = ustarHeader({ ...fields, typeflag: 'S', magic: 'ustar  \0', raw })
  return [...(records.length > 0 ? [paxHeader('x', records)] : []), header, ...extensions, content]
}

function base256(value: number): ByteString {
  let bytes = ''
  for (let i = 0, rest = BigInt(value); i < 11; i++, rest >>= 8n) {
    bytes = String.fromCharCode(Number(rest & 0xffn)) + bytes
  }
  return `\x80${bytes}`
}
