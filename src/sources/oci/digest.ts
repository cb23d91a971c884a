/** Digests of the OCI image format: content is named by its checksum. (image-spec, descriptor.md, "Digests") */

/** The registered algorithms that can be verified here, and the hexadecimal digits of their checksums. */
const HEX_DIGITS = { sha256: 64, sha512: 128 } as const

export type DigestAlgorithm = keyof typeof HEX_DIGITS

export interface ContentDigest {
  algorithm: DigestAlgorithm
  /** The checksum, in lower case. */
  hex: string
}

/** What a digest may look like, for messages. */
export const EXPECTED_DIGEST = `"sha256:" and ${HEX_DIGITS.sha256} hexadecimal digits, or "sha512:" and ${HEX_DIGITS.sha512}`

/** @returns undefined for text that is no digest, or of an algorithm that is not supported */
export function parseDigest(text: string): ContentDigest | undefined {
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? []
  if (algorithm === undefined || HEX_DIGITS[algorithm as DigestAlgorithm] !== hex.length) return undefined
  return { algorithm: algorithm as DigestAlgorithm, hex }
}

export function formatDigest({ algorithm, hex }: ContentDigest): string {
  return `${algorithm}:${hex}`
}

/** Path of a blob in a layout. (image-spec, image-layout.md, "Blobs") */
export function blobPath({ algorithm, hex }: ContentDigest): string {
  return `blobs/${algorithm}/${hex}`
}

/** The digest in the path of a blob. */
export function digestOfPath(path: string): ContentDigest | undefined {
  const [, algorithm, hex] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  return algorithm === undefined ? undefined : parseDigest(`${algorithm}:${hex}`)
}
