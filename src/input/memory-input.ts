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

export function openMemory(image: MemorySource): OpenInput {
  if (image instanceof Uint8Array) {
    // Slices of a Buffer would not be copies.
    const bytes = new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    return { name: UNNAMED, source: memorySource(bytes), close: nothing }
  }
  if (image instanceof Blob) return { name: nameOf(image), source: blobSource(image), close: nothing }
  return { name: UNNAMED, source: image, close: nothing }
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
