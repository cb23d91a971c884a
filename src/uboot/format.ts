import { id64, struct, u32 } from '../lib/struct.ts'

/** How a kernel for arm64 begins. (Documentation/arch/arm64/booting.rst) */
export const Arm64Image = struct('Arm64Image', 64, {
  code0: u32,
  code1: u32,
  textOffset: id64,
  /** Bytes of memory it takes, more than the file has. */
  imageSize: id64,
  flags: id64,
  res2: id64,
  res3: id64,
  res4: id64,
  magic: u32,
  res5: u32,
})

/** `ARM\x64` */
export const ARM64_MAGIC = 0x644d5241
