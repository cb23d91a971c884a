/**
 * Looks for a text in a stream of bytes, wherever the pieces end. An empty text is there at once.
 *
 * @returns called with each piece; true from the one on that completes the text
 */
export function watchForText(text: string): (piece: Uint8Array) => boolean {
  const wanted = Buffer.from(text)
  let held: Uint8Array = new Uint8Array(0)
  let found = false
  return (piece) => {
    if (found) return true
    const bytes = Buffer.concat([held, piece])
    found = bytes.includes(wanted)
    // All that can be the beginning of the text.
    held = bytes.subarray(Math.max(0, bytes.length - wanted.length + 1))
    return found
  }
}
