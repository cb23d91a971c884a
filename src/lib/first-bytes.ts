/** The first `length` bytes of content, or all when there are fewer. Nothing is asked for after them. */
export async function firstBytes(content: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  for await (const piece of content) {
    const part = piece.subarray(0, length - at)
    bytes.set(part, at)
    at += part.length
    if (at === length) break
  }
  return bytes.subarray(0, at)
}
