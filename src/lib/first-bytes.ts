/**
 * The first `length` bytes of content, or all when there are fewer. Nothing is asked for after them.
 *
 * @param offset bytes that are passed over before
 */
export async function firstBytes(
  content: AsyncIterable<Uint8Array>,
  length: number,
  offset = 0,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let skip = offset
  let at = 0
  for await (const piece of content) {
    const part = piece.subarray(skip, skip + length - at)
    skip = Math.max(0, skip - piece.length)
    bytes.set(part, at)
    at += part.length
    if (at === length) break
  }
  return bytes.subarray(0, at)
}
