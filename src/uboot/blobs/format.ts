import { bytes, struct, u16, u32, u8 } from '../../lib/struct.ts'

/** The head of Allwinner's first boot loader. (U-Boot: include/sunxi_image.h, boot_file_head) */
export const EgonHead = struct('EgonHead', 16, {
  /** A jump over the head. */
  jump: u32,
  magic: bytes(8),
  checksum: u32,
})
export const EgonLength = struct('EgonLength', 4, { length: u32 })
export const EGON_MAGIC = 'eGON.BT0'
/** Stands in for the sum while the sum is made. (BROM_STAMP_VALUE) */
export const EGON_STAMP = 0x5f0a6c39

/** The first sector of Rockchip's older ID block, encrypted by RC4. (U-Boot: tools/rkcommon.c, header0_info) */
export const RockchipId = struct('RockchipId', 512, {
  magic: u32,
  reserved: bytes(4),
  disableRc4: u32,
  /** Sectors from the ID block to the first loader. */
  initOffset: u16,
  reserved1: bytes(492),
  initSize: u16,
  initBootSize: u16,
  reserved2: bytes(2),
})
export const ROCKCHIP_ID = 0x0ff0aa55
/** (rc4_key of tools/rkcommon.c) */
export const ROCKCHIP_KEY = [124, 78, 3, 4, 85, 5, 9, 7, 45, 44, 123, 56, 23, 13, 23, 17]

/** The newer ID block. (header0_info_v2) */
export const RockchipNewId = struct('RockchipNewId', 16, {
  magic: bytes(4),
  reserved: u32,
  sizeAndImages: u32,
  bootFlag: u32,
})
/** Sectors of 512 bytes and a counter of the loaders in a newer ID block. (image_entry) */
export const RockchipImage = struct('RockchipImage', 8, { offset: u16, size: u16, address: u32 })
export const ROCKCHIP_NEW_MAGIC = 'RKNS'
/** Where the table of loaders begins in a newer ID block. */
export const ROCKCHIP_IMAGES_AT = 120

/** The image vector table of i.MX 6, 7 and 8M. (U-Boot: include/imximage.h, flash_header_v2_t) */
export const Ivt = struct('Ivt', 32, {
  tag: u8,
  /** Big-endian: 32. */
  lengthHigh: u8,
  lengthLow: u8,
  version: u8,
  entry: u32,
  reserved1: u32,
  dcd: u32,
  bootData: u32,
  self: u32,
  csf: u32,
  reserved2: u32,
})
/** (boot_data_t) */
export const IvtBootData = struct('IvtBootData', 12, { start: u32, size: u32, plugin: u32 })

/** The container that i.MX 8, 8X and 9 begin with. (U-Boot: include/imx8image.h, flash_header_v3_t) */
export const ImxContainer = struct('ImxContainer', 16, {
  version: u8,
  length: u16,
  tag: u8,
  flags: u32,
  softwareVersion: u16,
  fuseVersion: u8,
  images: u8,
  signatureOffset: u16,
  reserved: u16,
})
