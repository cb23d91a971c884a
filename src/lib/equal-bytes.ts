/** Whether two pieces of memory hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a
  if (length !== b.length) return false
  const words = (a.byteOffset | b.byteOffset) & 3 ? 0 : length >> 2
  if (words >= MIN_WORDS && !equalWords(wordsOf(a, words), wordsOf(b, words))) return false
  for (let i = words >= MIN_WORDS ? words << 2 : 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Below this, making the arrays takes longer than comparing bytes. */
const MIN_WORDS = 64

function wordsOf({ buffer, byteOffset }: Uint8Array, words: number): Int32Array {
  return new Int32Array(buffer, byteOffset, words)
}

function equalWords(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
