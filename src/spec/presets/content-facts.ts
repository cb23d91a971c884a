/** What the entries of a source say about the system in it. */
import { toLatin1, toText, type ByteString } from '../../lib/byte-string.ts'
import type { EntryType } from '../../file-tree/entry.ts'
import { kernelVersionOf } from '../notation/kernel-name.ts'
import type { PresetArchitecture } from './preset-sources.ts'

/** What is known of a source after its entries were looked at. */
export interface ContentFacts {
  /** `PRETTY_NAME` of its os-release, or its `NAME` or `ID`. */
  osName: string | undefined
  /** `ID` of its os-release: `debian`. */
  osId: string | undefined
  /** Whether it has the directories of a root file system. */
  isRoot: boolean
  /** The processor that its programs are for. */
  architecture: PresetArchitecture | undefined
  /** Whether it has paths of a Nix store. */
  hasNixStore: boolean
  /** Names of its NixOS systems, such as `nixos-system-pi-25.05`, sorted. */
  nixosSystems: readonly string[]
  /** Versions of the kernels in /boot, sorted. */
  kernels: readonly string[]
  /** The processors for which it has systemd-boot. */
  systemdBoot: readonly PresetArchitecture[]
  /** Whether /boot is made for an EFI system partition: it has EFI/BOOT/BOOT*.EFI. */
  hasEfiBoot: boolean
  /** Path of an extlinux.conf, for U-Boot. */
  extlinux: string | undefined
  /** Path of the firmware of a Raspberry Pi. */
  piFirmware: string | undefined
  /** What the firmware of a Raspberry Pi boots: a config.txt and a kernel in /boot/firmware. */
  piBoot: PiBootFiles | undefined
  /** It is a container image: the archive or folder has the layers of one, not a root file system. */
  isContainerImage: boolean
}

export interface PiBootFiles {
  /** The text of cmdline.txt. */
  cmdline: string | undefined
  hasInitramfs: boolean
}

/** Files are read up to this size. */
export const MAX_FACT_FILE = 1 << 16

const OS_RELEASE = ['etc/os-release', 'usr/lib/os-release']
const ROOT_DIRECTORIES = ['etc', 'usr', 'bin', 'lib', 'var', 'sbin']
const LOADERS: Record<string, PresetArchitecture> = {
  'ld-linux-x86-64.so.2': 'x86-64',
  'ld-musl-x86_64.so.1': 'x86-64',
  'ld-linux-aarch64.so.1': 'arm64',
  'ld-musl-aarch64.so.1': 'arm64',
}
const EFI_ARCHITECTURES: Record<string, PresetArchitecture> = { x64: 'x86-64', aa64: 'arm64' }

/** Programs that only one processor runs lie in these folders; others' may be there for cross compilers. */
const LOADER = /^(?:(?:usr\/)?lib(?:32|64)?|nix\/store\/[^/]+\/lib)\/(ld-[\w.-]+)$/
const SYSTEMD_BOOT =
  /^(?:(?:usr\/)?|nix\/store\/[^/]+\/)lib\/systemd\/boot\/efi\/systemd-boot(x64|aa64)\.efi$/
const SYSTEM = /^nix\/store\/[^/]{32}-(nixos-system-[^/]+)\/(kernel|initrd)$/
const EXTLINUX = /^(?:boot\/)?extlinux\/extlinux\.conf$/
const EFI_BOOT = /^boot\/EFI\/BOOT\/BOOT\w+\.EFI$/i
const PI_FIRMWARE = /^(?:boot\/(?:firmware\/)?)?(?:start4?\.elf|bootcode\.bin)$/
const PI_BOOT = 'boot/firmware/'
const PI_CMDLINE = `${PI_BOOT}cmdline.txt`
/** Of Raspberry Pi OS: kernel8.img, kernel_2712.img, initramfs8; of Debian: vmlinuz-VERSION, initrd.img-VERSION. */
const PI_KERNEL = /^(?:kernel[\w.-]*\.img|vmlinuz[\w.+-]*|Image(?:\.gz)?)$/
const PI_INITRAMFS = /^(?:initramfs|initrd)[\w.+-]*$/
const DOCKER_FILES = /^(?:repositories|[\da-f]{64}(?:\.json|\.tar|\/layer\.tar)|blobs\/sha256\/[\da-f]{64})$/

/** Collects facts from entries, one after the other. */
export class FactCollector {
  readonly #texts = new Map<string, string>()
  readonly #piFiles = new Set<'config' | 'kernel' | 'initramfs'>()
  readonly #directories = new Set<string>()
  readonly #architectures = new Set<PresetArchitecture>()
  readonly #systems = new Map<string, Set<string>>()
  readonly #kernels = new Set<string>()
  readonly #systemdBoot = new Set<PresetArchitecture>()
  readonly #layout = new Set<string>()
  #hasNixStore = false
  #hasEfiBoot = false
  #extlinux: string | undefined
  #piFirmware: string | undefined

  /** Whether the content of a file is wanted, for `addContent`. */
  wants(path: ByteString): boolean {
    return [...OS_RELEASE, PI_CMDLINE].includes(toLatin1(path))
  }

  /** Takes the content of a file that `wants` asked for. */
  addContent(path: ByteString, content: Uint8Array): void {
    this.#texts.set(toLatin1(path), new TextDecoder().decode(content))
  }

  /** @param path without a slash at its start */
  add(path: ByteString, type: EntryType): void {
    const text = toLatin1(path)
    const top = text.split('/', 1)[0]
    if (ROOT_DIRECTORIES.includes(top) && (text !== top || type !== 'file')) this.#directories.add(top)
    if (text.startsWith('nix/store/')) this.#hasNixStore = true
    const loader = LOADERS[LOADER.exec(text)?.[1] ?? '']
    if (loader !== undefined) this.#architectures.add(loader)
    const boot = SYSTEMD_BOOT.exec(text)?.[1]
    if (boot !== undefined) this.#systemdBoot.add(EFI_ARCHITECTURES[boot])
    const [, system, part] = SYSTEM.exec(text) ?? []
    if (system !== undefined) this.#systems.set(system, (this.#systems.get(system) ?? new Set()).add(part))
    if (text.startsWith('boot/') && type !== 'directory') {
      const version = kernelVersionOf(toText(path)?.slice('boot/'.length) ?? '')
      if (version !== undefined) this.#kernels.add(version)
    }
    if (type === 'directory') return
    if (EFI_BOOT.test(text)) this.#hasEfiBoot = true
    if (EXTLINUX.test(text)) this.#extlinux ??= text
    if (PI_FIRMWARE.test(text)) this.#piFirmware ??= text
    if (text.startsWith(PI_BOOT)) this.#addPiFile(text.slice(PI_BOOT.length))
    if (['oci-layout', 'index.json', 'manifest.json'].includes(text)) this.#layout.add(text)
    if (DOCKER_FILES.test(text)) this.#layout.add('content')
  }

  #addPiFile(name: string): void {
    if (name === 'config.txt') this.#piFiles.add('config')
    if (PI_KERNEL.test(name)) this.#piFiles.add('kernel')
    if (PI_INITRAMFS.test(name)) this.#piFiles.add('initramfs')
  }

  facts(): ContentFacts {
    const release = OS_RELEASE.map((path) => this.#texts.get(path)).find((text) => text !== undefined)
    const fields = osRelease(release ?? '')
    const layout = this.#layout
    return {
      osName: fields.get('PRETTY_NAME') ?? fields.get('NAME') ?? fields.get('ID'),
      osId: fields.get('ID'),
      isRoot: this.#directories.size > 1,
      architecture: this.#architectures.size === 1 ? [...this.#architectures][0] : undefined,
      hasNixStore: this.#hasNixStore,
      nixosSystems: [...this.#systems].flatMap(([name, parts]) => (parts.size === 2 ? [name] : [])).sort(),
      kernels: [...this.#kernels].sort(),
      systemdBoot: [...this.#systemdBoot].sort(),
      hasEfiBoot: this.#hasEfiBoot,
      extlinux: this.#extlinux,
      piFirmware: this.#piFirmware,
      piBoot:
        this.#piFiles.has('config') && this.#piFiles.has('kernel')
          ? { cmdline: this.#texts.get(PI_CMDLINE), hasInitramfs: this.#piFiles.has('initramfs') }
          : undefined,
      isContainerImage:
        (layout.has('oci-layout') && layout.has('index.json')) ||
        (layout.has('manifest.json') && layout.has('content') && this.#directories.size === 0),
    }
  }
}

/** The fields of an os-release. Values may be quoted as in a shell. (os-release(5)) */
function osRelease(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? []
      if (name === undefined) return []
      const quoted = /^"(.*)"$|^'(.*)'$/.exec(value)
      const plain = (quoted?.[1] ?? quoted?.[2] ?? value).replace(/\\(.)/g, '$1')
      return plain === '' ? [] : [[name, plain]]
    }),
  )
}
