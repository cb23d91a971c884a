/** Swap space on disk. (union swap_header in include/linux/swap.h) */
import { bytes, struct, u32, type ValueOf } from '../lib/struct.ts'

/** The first page begins with it, and ends with the signature. */
export const SwapHeader = struct('SwapHeader', 1068, {
  bootBits: bytes(1024),
  version: u32,
  lastPage: u32,
  badPages: u32,
  uuid: bytes(16),
  label: bytes(16),
})
export type SwapHeader = ValueOf<typeof SwapHeader>

/** (SWAP_VERSION of mkswap(8)) */
export const SWAP_VERSION = 1
export const SWAP_SIGNATURE = 'SWAPSPACE2'
/** The least that mkswap(8) makes: MIN_SWAP_PAGES, the header among them. */
export const MIN_SWAP_PAGES = 10
/** Of most machines; a kernel with other pages refuses swap space of these. */
export const SWAP_PAGE_SIZE = 4096
