/** What a Raspberry Pi 3 would start from an image: U-Boot and the device tree on its FAT partition. */
import type { FileSystem } from '../image/file-system.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { NotFoundError } from '../lib/errors.ts'
import { openImage } from '../image/open-image.ts'
import { parseConfigTxt, settingFor } from '../uboot/config-txt.ts'

/** The firmware's own name for the board's device tree, and Linux's. */
const DEVICE_TREES = ['bcm2710-rpi-3-b.dtb', 'bcm2837-rpi-3-b.dtb']

export interface PiFirmware {
  uboot: Uint8Array
  dtb: Uint8Array
}

/**
 * Reads those of the two that are wanted.
 *
 * @throws NotFoundError that says what is missing, and how else it can be had
 */
export async function piFirmware(
  image: ByteSource,
  wanted: Record<keyof PiFirmware, boolean>,
): Promise<Partial<PiFirmware>> {
  const options = [...(wanted.uboot ? ['uboot'] : []), ...(wanted.dtb ? ['dtb'] : [])]
  const giveThem = `give ${options.map((name) => `--${name} FILE`).join(' and ')}`
  const opened = await openImage(image)
  try {
    const firmware = await firmwarePartition(opened.partitions)
    if (firmware === undefined) {
      throw new NotFoundError(`no FAT partition of the image has a config.txt: ${giveThem}`)
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
async function firmwarePartition(
  partitions: Awaited<ReturnType<typeof openImage>>['partitions'],
): Promise<FileSystem | undefined> {
  for (const partition of partitions) {
    const type = await partition.fileSystemType()
    if (type === undefined || type === 'btrfs') continue
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
      'config.txt of the image names no kernel= for a Raspberry Pi 3: give --uboot FILE',
    )
  }
  if (!(await exists(files, name))) {
    throw new NotFoundError(`config.txt of the image names ${name}, which is not there: give --uboot FILE`)
  }
  return files.readFile(name)
}

async function readDeviceTree(files: FileSystem): Promise<Uint8Array> {
  for (const name of DEVICE_TREES) if (await exists(files, name)) return files.readFile(name)
  const names = DEVICE_TREES.join(' or ')
  throw new NotFoundError(`there is no ${names} on the image's FAT partition: give --dtb FILE`)
}
