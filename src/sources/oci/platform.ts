/** What an image runs on, as OCI and containerd have it: `linux/arm64`, `linux/arm/v6`. */

export interface ImagePlatform {
  os: string
  architecture: string
  variant?: string | null | undefined
}

/** The variant that goes without saying. (containerd, platforms/database.go, normalizeArch) */
const USUAL_VARIANT: Record<string, string> = { arm: 'v7', arm64: 'v8', amd64: 'v1' }

/** @returns undefined for text that has not two or three parts between slashes */
export function parsePlatform(text: string): ImagePlatform | undefined {
  const [, os, architecture, variant] = /^([\w.-]+)\/([\w.-]+)(?:\/([\w.-]+))?$/.exec(text) ?? []
  return os === undefined ? undefined : { os, architecture, variant }
}

export function formatPlatform({ os, architecture, variant }: ImagePlatform): string {
  const parts = [os || 'unknown', architecture || 'unknown']
  return (variant ? [...parts, variant] : parts).join('/')
}

/** Whether both name the same operating system and architecture, in any variant. */
export function isSameArchitecture(a: ImagePlatform, b: ImagePlatform): boolean {
  return a.os === b.os && a.architecture === b.architecture
}

/** Whether both are the same; `linux/arm64` is `linux/arm64/v8`. */
export function isSamePlatform(a: ImagePlatform, b: ImagePlatform): boolean {
  return isSameArchitecture(a, b) && variantOf(a) === variantOf(b)
}

function variantOf({ architecture, variant }: ImagePlatform): string | undefined {
  return variant || USUAL_VARIANT[architecture]
}

/** What `docker buildx` puts beside images, in the place of one: attestations of how they were built. */
export function isUnknown({ os, architecture }: ImagePlatform): boolean {
  return os === 'unknown' && architecture === 'unknown'
}
