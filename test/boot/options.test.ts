import { expect, test } from 'vitest'
import { bootImage, type BootOptions } from '../../src/boot/boot-image.ts'

test.each<[object, ErrorConstructor, string]>([
  [{ machien: 'virt' }, TypeError, 'unknown option machien: did you mean machine?'],
  [
    { machine: 'pi' },
    TypeError,
    'option machine: expected "raspi3b", "virt", "virt-uefi" or "q35", found "pi"',
  ],
  [{ timeout: 0 }, RangeError, 'option timeout: expected a whole number from 1 to 86400, found 0'],
  [{ memory: '512' }, TypeError, 'option memory: expected a whole number from 128 to 261120, found "512"'],
  [{ machine: 'raspi3b', memory: 512 }, RangeError, 'option memory: expected 1024 for raspi3b, found 512'],
  [{ expect: '' }, RangeError, 'option expect: expected a text that is not empty, found ""'],
  [{ machine: 'raspi3b', firmware: 'OVMF.fd' }, RangeError, 'option firmware: is not for raspi3b'],
  [{ machine: 'virt', firmware: 'OVMF.fd' }, RangeError, 'option firmware: is not for virt'],
  [{ machine: 'q35', uboot: 'u-boot.bin' }, RangeError, 'option uboot: is not for q35'],
  [{ machine: 'virt-uefi', dtb: 'virt.dtb' }, RangeError, 'option dtb: is not for virt-uefi'],
  [
    { machine: 'virt' },
    RangeError,
    'option uboot: expected a path, as virt has no U-Boot of its own, found undefined',
  ],
])('bootImage refuses %j before anything is opened', async (options, kind, message) => {
  const error: unknown = await bootImage('/no/such.img', options as BootOptions).catch(
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(kind)
  expect((error as Error).message).toBe(`bootImage: ${message}`)
})
