/** Images that are read without Node: bytes, Blobs, and whatever else can be read at any place. */
import { type ByteSource, memorySource } from '../lib/byte-source.ts'

/** Bytes in memory, a Blob or File, or anything else that can be read at any place. */
export type MemorySource = Uint8Array | Blob | ByteSource

/** An image as it is stored, compressed or not. */
export interface OpenInput {
  /** For messages. */
  name: string
  source: ByteSource
  /** Closes what was opened here. */
  close: () => Promise<void>
}

export const UNNAMED = 'image'
const nothing = () => Promise.resolve()

const ACCEPTED = 'a Uint8Array, a Blob, or an object with size and read()'

/**
 * @param alsoAccepted what the caller accepts besides, for messages
 * @throws TypeError when it is nothing that can be read
 */
export function openMemory(image: MemorySource, alsoAccepted = ''): OpenInput {
  if (image instanceof Uint8Array) {
    // Slices of a Buffer would not be copies.
    const bytes = new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    return { name: UNNAMED, source: memorySource(bytes), close: nothing }
  }
  if (image instanceof Blob) return { name: nameOf(image), source: blobSource(image), close: nothing }
  if (!isByteSource(image)) {
    throw new TypeError(`image: expected ${alsoAccepted}${ACCEPTED}, found ${kindOf(image)}`)
  }
  return { name: UNNAMED, source: image, close: nothing }
}

function isByteSource(image: unknown): image is ByteSource {
  if (typeof image !== 'object' || image === null) return false
  const { size, read } = image as Partial<ByteSource>
  return typeof size === 'number' && typeof read === 'function'
}

/** An object by its class: `FileSystem`. */
function kindOf(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  const name = (value.constructor as { name: string } | undefined)?.name ?? 'Object'
  return name === 'Object' ? 'an object without them' : name
}

/** Files of a browser have names. */
function nameOf(blob: Blob): string {
  return 'name' in blob && typeof blob.name === 'string' && blob.name !== '' ? blob.name : UNNAMED
}

function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  }
}
