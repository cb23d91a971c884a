import { parse as uuidBytes } from 'uuid'
import { SWAP_PAGE_SIZE, SWAP_SIGNATURE, SWAP_VERSION, SwapHeader } from './format.ts'

export interface SwapHeaderOptions {
  /** Bytes of the swap space; what is left over behind the last whole page is not used. */
  size: number
  uuid: string
  /** At most 15 bytes of UTF-8. */
  label?: string
  /** Bytes; 4096 by default. */
  pageSize?: number
}

/** The first page of swap space, as mkswap(8) writes it; the rest may hold anything. */
export function encodeSwapHeader({
  size,
  uuid,
  label = '',
  pageSize = SWAP_PAGE_SIZE,
}: SwapHeaderOptions): Uint8Array {
  const text = new TextEncoder()
  const page = new Uint8Array(pageSize)
  page.set(
    SwapHeader.encode({
      bootBits: new Uint8Array(0),
      version: SWAP_VERSION,
      lastPage: Math.floor(size / pageSize) - 1,
      badPages: 0,
      uuid: uuidBytes(uuid),
      label: text.encode(label),
    }),
  )
  page.set(text.encode(SWAP_SIGNATURE), pageSize - SWAP_SIGNATURE.length)
  return page
}
