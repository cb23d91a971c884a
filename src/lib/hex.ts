/** Two hexadecimal digits a byte. */
export function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The bytes of hexadecimal digits, of which there is an even number. */
export function hexBytes(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16))
}

/** `f81d4fae-7dec-11d0-a765-00a0c91e6bf6` (RFC 9562, 4) */
export function uuidText(uuid: Uint8Array): string {
  return hexText(uuid).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
