/**
 * The hash functions, each in its fastest form: sha256 of Node, which uses the instructions of the processor, and in
 * browsers, like xxhash64 and blake2b anywhere, as WebAssembly. Only the one that is asked for is loaded.
 */
import type { IHasher } from 'hash-wasm'
import { countBlocks, type BlockHash, type HashName } from './block-hash.ts'
import { CRC32C } from './crc32c.ts'
import { nodeModule } from './node-module.ts'

const LOADERS: Record<HashName, () => Promise<BlockHash>> = {
  crc32c: () => Promise.resolve(CRC32C),
  xxhash64: loadXxhash64,
  sha256: loadSha256,
  blake2b: loadBlake2b,
}

/** A hash function for this thread. */
export function loadHash(name: HashName): Promise<BlockHash> {
  return LOADERS[name]()
}

async function loadXxhash64(): Promise<BlockHash> {
  const { createXXHash64 } = await import('hash-wasm')
  const digest = digestOf(await createXXHash64())
  // A number: canonically its highest byte comes first, on disk the lowest. (xxhash64_final)
  return blockHash('xxhash64', 8, (block) => digest(block).reverse())
}

async function loadBlake2b(): Promise<BlockHash> {
  const { createBLAKE2b } = await import('hash-wasm')
  return blockHash('blake2b', 32, digestOf(await createBLAKE2b(256)))
}

/** The part of node:crypto used here. */
interface NodeCrypto {
  createHash(name: 'sha256'): { update(block: Uint8Array): { digest(): Uint8Array } }
  /** Since Node 20.12. */
  hash?: (name: 'sha256', block: Uint8Array, encoding: 'buffer') => Uint8Array
}

async function loadSha256(): Promise<BlockHash> {
  const crypto = await nodeModule<NodeCrypto>('node:crypto')
  if (crypto === undefined) {
    const { createSHA256 } = await import('hash-wasm')
    return blockHash('sha256', 32, digestOf(await createSHA256()))
  }
  const { hash } = crypto
  return blockHash(
    'sha256',
    32,
    hash === undefined
      ? (block) => crypto.createHash('sha256').update(block).digest()
      : (block) => hash('sha256', block, 'buffer'),
  )
}

type Digest = (block: Uint8Array) => Uint8Array

const digestOf =
  (hasher: IHasher): Digest =>
  (block) =>
    hasher.init().update(block).digest('binary')

function blockHash(name: HashName, size: number, digest: Digest): BlockHash {
  return {
    name,
    size,
    hashBlocks(bytes, blockSize, target) {
      const count = countBlocks(bytes, blockSize, { target, size })
      for (let i = 0; i < count; i++) {
        target.set(digest(bytes.subarray(i * blockSize, (i + 1) * blockSize)), i * size)
      }
    },
  }
}
