/** The cipher RC4, with which Rockchip's boot ROMs read their ID block. It hides nothing: the key is known. */
export function rc4(key: readonly number[], bytes: Uint8Array): Uint8Array {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i)
  const swap = (i: number, j: number) => ([state[i], state[j]] = [state[j], state[i]])
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + state[i] + key[i % key.length]) & 0xff
    swap(i, j)
  }
  let i = 0
  let j = 0
  return bytes.map((byte) => {
    i = (i + 1) & 0xff
    j = (j + state[i]) & 0xff
    swap(i, j)
    return byte ^ state[(state[i] + state[j]) & 0xff]
  })
}
