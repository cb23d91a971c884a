/** Names of store paths, and what is known of a valid one. */
import { BASE32_DIGITS } from './hash.ts'

/** The store in an image. */
export const STORE_DIR = '/nix/store'
/** Characters of the hash that a store path's name begins with. */
export const HASH_PART = 32

const HASH = new RegExp(`^[${BASE32_DIGITS}]{${HASH_PART}}$`)
const BASE_NAME = new RegExp(
  `^[${BASE32_DIGITS}]{${HASH_PART}}-(?!\\.{1,2}(?:-|$))[0-9A-Za-z+\\-._?=]{1,211}$`,
)

/** What Nix's database has for a store path. Store paths are their names: `<hash>-<name>`. (struct ValidPathInfo) */
export interface StorePathInfo {
  path: string
  /** SHA-256 of its NAR, in hexadecimal. */
  narHash: string
  /** Bytes of its NAR. */
  narSize: number
  /** Store paths that it refers to, itself included if it does. */
  references: readonly string[]
  /** The derivation that made it. */
  deriver: string | undefined
}

/** Whether a text is the name of a store path: a hash of 32 characters, `-`, and a name. */
export function isStorePathName(text: string): boolean {
  return BASE_NAME.test(text)
}

export function isHashPart(text: string): boolean {
  return HASH.test(text)
}

/** The name in `/nix/store/<hash>-<name>`; undefined for anything else. */
export function storePathName(path: string): string | undefined {
  const name = path.startsWith(`${STORE_DIR}/`) ? path.slice(STORE_DIR.length + 1) : ''
  return isStorePathName(name) ? name : undefined
}

export function fullStorePath(name: string): string {
  return `${STORE_DIR}/${name}`
}

/** The hash that a name begins with. */
export function hashPartOf(name: string): string {
  return name.slice(0, HASH_PART)
}
