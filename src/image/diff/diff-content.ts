import type { DataRange } from '../../file-tree/file-content.ts'
import { equalBytes } from '../../lib/equal-bytes.ts'
import type { OpenInode } from '../../file-tree/reader.ts'
import { byteText, firstDifference, COMPARED_PIECE } from './compare-bytes.ts'
import type { TreeSide } from './tree-side.ts'

/**
 * Compares the content of two files of the same size. Where both have holes nothing is read.
 *
 * @returns the first byte that differs, on either side; undefined when there is none
 */
export async function diffContent(
  a: TreeSide,
  b: TreeSide,
  openA: OpenInode,
  openB: OpenInode,
): Promise<{ a: string; b: string } | undefined> {
  const { size } = openA.inode
  const ranges =
    size <= COMPARED_PIECE
      ? [{ offset: 0, length: size }]
      : union(await a.drive(openA.ranges()), await b.drive(openB.ranges()))
  for (const { offset, length } of ranges) {
    for (let at = offset; at < offset + length; at += COMPARED_PIECE) {
      const wanted = Math.min(COMPARED_PIECE, offset + length - at)
      if (await areStoredAlike(a, b, openA, openB, { offset: at, length: wanted })) continue
      const pieceA = await a.drive(openA.read(at, wanted))
      const pieceB = await b.drive(openB.read(at, wanted))
      const differs = firstDifference(pieceA, pieceB)
      if (differs === undefined) continue
      return { a: byteText(pieceA, differs, at), b: byteText(pieceB, differs, at) }
    }
  }
  return undefined
}

/** Whether a part of two files is stored as the same bytes: then nothing has to be decompressed. */
async function areStoredAlike(
  a: TreeSide,
  b: TreeSide,
  openA: OpenInode,
  openB: OpenInode,
  { offset, length }: DataRange,
): Promise<boolean> {
  if (openA.readStored === undefined || openB.readStored === undefined) return false
  const piecesA = await a.drive(openA.readStored(offset, length))
  const piecesB = await b.drive(openB.readStored(offset, length))
  return (
    piecesA.length === piecesB.length &&
    piecesA.every((piece, i) => {
      const { offset, length, encoding, bytes } = piecesB[i]
      return (
        piece.offset === offset &&
        piece.length === length &&
        piece.encoding === encoding &&
        equalBytes(piece.bytes, bytes)
      )
    })
  )
}

/** The ranges that either of them covers. Both ascend. */
function union(a: readonly DataRange[], b: readonly DataRange[]): DataRange[] {
  const joined: DataRange[] = []
  for (const range of [...a, ...b].sort((x, y) => x.offset - y.offset)) {
    const last = joined.at(-1)
    const end = range.offset + range.length
    if (last === undefined || range.offset > last.offset + last.length) joined.push({ ...range })
    else last.length = Math.max(last.length, end - last.offset)
  }
  return joined
}
