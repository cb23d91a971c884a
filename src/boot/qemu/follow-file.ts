import type { FileHandle } from 'node:fs/promises'

const INTERVAL_MS = 20
const PIECE_SIZE = 64 * 1024

/**
 * Reads a file from its beginning while another program writes to it.
 *
 * @param ended settles when nothing more is written; what is in the file then is still read
 * @param onPiece called with each piece, which it may keep
 * @throws what `onPiece` throws
 */
export async function followFile(
  file: FileHandle,
  ended: Promise<unknown>,
  onPiece: (piece: Uint8Array) => void,
): Promise<void> {
  let isOver = false
  const end = () => void (isOver = true)
  const over = ended.then(end, end)
  for (let position = 0; ;) {
    const isLast = isOver
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE_SIZE), 0, PIECE_SIZE, position)
      if (bytesRead === 0) break
      position += bytesRead
      onPiece(buffer.subarray(0, bytesRead))
    }
    if (isLast) return
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))])
  }
}
