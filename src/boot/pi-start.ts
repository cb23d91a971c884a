/** Reads what a Raspberry Pi 3 starts from an image: U-Boot and the device tree on its FAT partition. */
import { fatDriver } from '../image/drivers/fat.ts'
import type { FileSystem } from '../image/file-system.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { NotFoundError } from '../lib/errors.ts'
import { openImage, type ImagePartition } from '../image/open-image.ts'
import { parseConfigTxt, settingFor } from '../uboot/config-txt.ts'

/** The firmware's own name for the board's device tree, and Linux's. */
const DEVICE_TREES = ['bcm2710-rpi-3-b.dtb', 'bcm2837-rpi-3-b.dtb']

export interface PiFirmware {
  uboot: Uint8Array
  dtb: Uint8Array
}

/**
 * @param wanted which of the two are read
 * @throws NotFoundError that says what is missing, and which option does without
 */
export async function piFirmware(
  image: ByteSource,
  wanted: Record<keyof PiFirmware, boolean>,
): Promise<Partial<PiFirmware>> {
  const options = [...(wanted.uboot ? ['uboot'] : []), ...(wanted.dtb ? ['dtb'] : [])].join(' and ')
  const opened = await openImage(image)
  try {
    const firmware = await firmwarePartition(opened.partitions)
    if (firmware === undefined) {
      throw new NotFoundError(
        `no FAT partition of the image has a config.txt; without one ${options} must be given`,
      )
    }
    return {
      ...(wanted.uboot ? { uboot: await readUboot(firmware) } : {}),
      ...(wanted.dtb ? { dtb: await readDeviceTree(firmware) } : {}),
    }
  } finally {
    await opened.close()
  }
}

/** The firmware reads the first FAT partition there is. */
async function firmwarePartition(partitions: readonly ImagePartition[]): Promise<FileSystem | undefined> {
  for (const partition of partitions) {
    if (partition.driver !== fatDriver) continue
    const files = await partition.open()
    if (await exists(files, 'config.txt')) return files
  }
  return undefined
}

async function exists(files: FileSystem, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)).type === 'file'
  } catch (error) {
    if (error instanceof NotFoundError) return false
    throw error
  }
}

async function readUboot(files: FileSystem): Promise<Uint8Array> {
  const config = new TextDecoder().decode(await files.readFile('config.txt'))
  const name = settingFor(parseConfigTxt(config), 3, 'kernel')
  if (name === undefined) {
    throw new NotFoundError(
      'config.txt of the image has no kernel= for a Raspberry Pi 3; without it uboot must be given',
    )
  }
  if (!(await exists(files, name))) {
    throw new NotFoundError(
      `config.txt of the image names ${name}, which is not there; without it uboot must be given`,
    )
  }
  return files.readFile(name)
}

async function readDeviceTree(files: FileSystem): Promise<Uint8Array> {
  for (const name of DEVICE_TREES) if (await exists(files, name)) return files.readFile(name)
  const names = DEVICE_TREES.join(' or ')
  throw new NotFoundError(`there is no ${names} on the image's FAT partition; without one dtb must be given`)
}
