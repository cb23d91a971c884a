/** Boot loaders outside of file systems: recognised by their first bytes, wherever they are. */
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import { viewOf } from '../../lib/struct.ts'
import {
  EGON_MAGIC,
  EGON_STAMP,
  EgonHead,
  EgonLength,
  ImxContainer,
  Ivt,
  IvtBootData,
  ROCKCHIP_ID,
  ROCKCHIP_KEY,
  ROCKCHIP_NEW_MAGIC,
  RockchipId,
  RockchipNewId,
} from './format.ts'
import { rc4 } from './rc4.ts'

/** A boot loader that was found. */
export interface FoundBlob {
  kind: 'rockchip' | 'allwinner' | 'imx'
  /** As messages name it. */
  name: string
  /** Bytes from the start of the disk. */
  offset: number
  /** What is wrong with it apart from its place; undefined: nothing. */
  problem?: string | undefined
}

const SECTOR = 512

/**
 * Looks at every sector for the start of a boot loader.
 *
 * @param bytes the start of a disk
 */
export function findBlobs(bytes: Uint8Array): FoundBlob[] {
  const blobs: FoundBlob[] = []
  for (let offset = 0; offset + SECTOR <= bytes.length; offset += SECTOR) {
    const found = blobAt(bytes.subarray(offset))
    if (found !== undefined) blobs.push({ ...found, offset })
  }
  return blobs
}

/** @param bytes from the start of a blob on, as many as there are */
export function blobAt(bytes: Uint8Array): Omit<FoundBlob, 'offset'> | undefined {
  if (bytes.length < SECTOR) return undefined
  return egonAt(bytes) ?? rockchipAt(bytes) ?? ivtAt(bytes) ?? containerAt(bytes)
}

function egonAt(bytes: Uint8Array): Omit<FoundBlob, 'offset'> | undefined {
  const { magic, checksum } = EgonHead.decode(bytes)
  if (toLatin1(fromBytes(magic)) !== EGON_MAGIC) return undefined
  const { length } = EgonLength.decode(bytes.subarray(EgonHead.size))
  return {
    kind: 'allwinner',
    name: 'Allwinner boot0 (eGON.BT0)',
    problem: egonProblem(bytes, length, checksum),
  }
}

function egonProblem(bytes: Uint8Array, length: number, checksum: number): string | undefined {
  if (length % 4 !== 0 || length < EgonHead.size) return `says that it has ${length} bytes`
  if (length > bytes.length) return `is cut off: it says that it has ${length} bytes`
  const view = viewOf(bytes)
  let sum = EGON_STAMP - checksum
  for (let at = 0; at < length; at += 4) sum = (sum + view.getUint32(at, true)) >>> 0
  if (sum >>> 0 === checksum) return undefined
  const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`
  return `has a wrong checksum: expected ${hex(sum >>> 0)}, found ${hex(checksum)}`
}

function rockchipAt(bytes: Uint8Array): Omit<FoundBlob, 'offset'> | undefined {
  if (toLatin1(fromBytes(RockchipNewId.decode(bytes).magic)) === ROCKCHIP_NEW_MAGIC) {
    return { kind: 'rockchip', name: 'Rockchip ID block (RKNS)' }
  }
  // Four bytes of the key stream tell it from other sectors; the rest is for what has passed.
  if (!(bytes[0] === ENCRYPTED_ID[0] && ENCRYPTED_ID.every((byte, i) => bytes[i] === byte))) return undefined
  const id = RockchipId.decode(rc4(ROCKCHIP_KEY, bytes.subarray(0, RockchipId.size)))
  const at = id.initOffset * SECTOR
  const loader = bytes.subarray(at, at + SECTOR)
  const name = 'Rockchip ID block (RK30)'
  if (loader.length < SECTOR)
    return { kind: 'rockchip', name, problem: `has no loader ${at} bytes after its start` }
  const plain = id.disableRc4 === 0 ? rc4(ROCKCHIP_KEY, loader) : loader
  const mark = toLatin1(fromBytes(plain.subarray(0, 4)))
  if (/^RK\w\w$/.test(mark)) return { kind: 'rockchip', name }
  return {
    kind: 'rockchip',
    name,
    problem: `its loader, ${at} bytes after its start, does not begin with RK and a number`,
  }
}

const ENCRYPTED_ID = rc4(
  ROCKCHIP_KEY,
  Uint8Array.of(
    ROCKCHIP_ID & 0xff,
    (ROCKCHIP_ID >> 8) & 0xff,
    (ROCKCHIP_ID >> 16) & 0xff,
    ROCKCHIP_ID >>> 24,
  ),
)

const IVT_TAG = 0xd1

function ivtAt(bytes: Uint8Array): Omit<FoundBlob, 'offset'> | undefined {
  const { tag, lengthHigh, lengthLow, version, bootData, self, entry } = Ivt.decode(bytes)
  if (tag !== IVT_TAG || lengthHigh !== 0 || lengthLow !== Ivt.size || version >> 4 !== 4) return undefined
  const at = bootData - self
  const name = 'i.MX image (IVT)'
  if (at < Ivt.size || at + IvtBootData.size > Math.min(bytes.length, 4096)) {
    return { kind: 'imx', name, problem: 'has its boot data outside of its head' }
  }
  const { start, size } = IvtBootData.decode(bytes.subarray(at))
  const isInside = entry >= start && entry < start + size
  return { kind: 'imx', name, problem: isInside ? undefined : 'begins to run outside of what is loaded' }
}

const CONTAINER_TAG = 0x87

function containerAt(bytes: Uint8Array): Omit<FoundBlob, 'offset'> | undefined {
  const { version, length, tag, images, reserved, signatureOffset } = ImxContainer.decode(bytes)
  if (tag !== CONTAINER_TAG || version !== 0 || reserved !== 0) return undefined
  // (IMG_ARRAY, at most 8 images of 128 bytes)
  const isContainer =
    images >= 1 && images <= 8 && length >= 16 + images * 128 && signatureOffset >= 16 + images * 128
  return isContainer ? { kind: 'imx', name: 'i.MX container' } : undefined
}
