/**
 * Identities that a description leaves open. They are derived from its seed, so that the same description
 * gives the same image, and another seed gives others throughout. (UUID version 5, RFC 9562, 5.5)
 */
import { v5 } from 'uuid'

/** Namespace of all that is derived here. */
const NAMESPACE = '6a1c5d7e-2f0b-4c93-9d48-1b5e0f7a3c62'

/** Used when a description gives no seed. */
export const DEFAULT_SEED = 'diskwright'

/** The UUID of this name in an image with this seed; for example `partition 2 btrfs fsid`. */
export function deriveUuid(seed: string, name: string): string {
  return v5(name, v5(seed, NAMESPACE))
}

/** 32 bits in place of a UUID, where a format has no room for one. Never 0, which formats take for "none". */
export function deriveId32(seed: string, name: string): number {
  const id = Number.parseInt(deriveUuid(seed, name).slice(0, 8), 16)
  return id === 0 ? 1 : id
}
