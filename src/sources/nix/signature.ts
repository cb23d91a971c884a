/** Signatures of store paths: Ed25519, over a line with path, hash, size and references. */
import { Buffer } from 'node:buffer'
import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { formatSha256 } from './hash.ts'
import { fullStorePath, type StorePathInfo } from './store-path.ts'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** Bytes, and the name of the key that they are or that made them. */
export interface NamedBytes {
  name: string
  bytes: Buffer
}

/** Public keys by their names. */
export type TrustedKeys = ReadonlyMap<string, KeyObject>

/** Reads `name:base64`. @returns undefined when it is something else */
export function parseSignature(text: string): NamedBytes | undefined {
  return parseNamed(text, SIGNATURE_BYTES)
}

/** @param keys each like `cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=` */
export function trustedKeys(keys: readonly string[]): TrustedKeys {
  return new Map(
    keys.map((text) => {
      const key = parseNamed(text, KEY_BYTES)
      if (key === undefined) throw new Error(`not a public key: ${text}`)
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.bytes.toString('base64url') }
      return [key.name, createPublicKey({ key: jwk, format: 'jwk' })]
    }),
  )
}

/** Whether one of the keys has signed it. */
export function isSigned(info: StorePathInfo, signatures: readonly NamedBytes[], keys: TrustedKeys): boolean {
  const data = Buffer.from(fingerprintOf(info))
  return signatures.some(({ name, bytes }) => {
    const key = keys.get(name)
    return key !== undefined && verify(null, data, key, bytes)
  })
}

/** The line that is signed. (ValidPathInfo::fingerprint) */
function fingerprintOf({ path, narHash, narSize, references }: StorePathInfo): string {
  const sorted = [...references].sort().map(fullStorePath)
  return ['1', fullStorePath(path), formatSha256(narHash), narSize, sorted.join()].join(';')
}

function parseNamed(text: string, length: number): NamedBytes | undefined {
  const [, name, base64] = /^([^:\s]+):([A-Za-z0-9+/]+=*)$/.exec(text) ?? []
  if (name === undefined) return undefined
  const bytes = Buffer.from(base64, 'base64')
  return bytes.length === length && bytes.toString('base64') === base64 ? { name, bytes } : undefined
}
