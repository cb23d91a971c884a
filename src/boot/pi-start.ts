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
    const partition = await firmwarePartition(opened.partitions)
    if (partition === undefined) {
      throw new NotFoundError(
        `no FAT partition of the image has a config.txt; without one ${options} must be given`,
      )
    }
    const files = await partition.open()
    return {
      ...(wanted.uboot ? { uboot: await readUboot(files) } : {}),
      ...(wanted.dtb ? { dtb: await readDeviceTree(files) } : {}),
    }
  } finally {
    await opened.close()
  }
}

/** The partition that the firmware reads: the first FAT one with a config.txt. */
export async function firmwarePartition(
  partitions: readonly ImagePartition[],
): Promise<ImagePartition | undefined> {
  for (const partition of partitions) {
    if (partition.driver !== fatDriver) continue
    if (await isFile(await partition.open(), 'config.txt')) return partition
  }
  return undefined
}

/** The U-Boot that config.txt names for a Raspberry Pi 3; undefined when it names none. */
export async function namedUboot(files: FileSystem): Promise<{ name: string; exists: boolean } | undefined> {
  const config = new TextDecoder().decode(await files.readFile('config.txt'))
  const name = settingFor(parseConfigTxt(config), 3, 'kernel')
  return name === undefined ? undefined : { name, exists: await isFile(files, name) }
}

async function isFile(files: FileSystem, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)).type === 'file'
  } catch (error) {
    if (error instanceof NotFoundError) return false
    throw error
  }
}

async function readUboot(files: FileSystem): Promise<Uint8Array> {
  const uboot = await namedUboot(files)
  if (uboot === undefined) {
    throw new NotFoundError(
      'config.txt of the image has no kernel= for a Raspberry Pi 3; without it uboot must be given',
    )
  }
  const { name, exists } = uboot
  if (!exists) {
    throw new NotFoundError(
      `config.txt of the image names ${name}, which is not there; without it uboot must be given`,
    )
  }
  return files.readFile(name)
}

async function readDeviceTree(files: FileSystem): Promise<Uint8Array> {
  for (const name of DEVICE_TREES) if (await isFile(files, name)) return files.readFile(name)
  const names = DEVICE_TREES.join(' or ')
  throw new NotFoundError(`there is no ${names} on the image's FAT partition; without one dtb must be given`)
}
