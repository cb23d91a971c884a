/** What a NixOS system says of its boot: boot.json, or the files beside it. (NixOS RFC 125; bootspec's synthesize) */
import { fromBytes, fromText, toDisplay, toLatin1, toText, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { FoundNode, SystemTree } from '../system-tree.ts'

export interface BootSpec {
  init: string
  /** Path of a file. */
  initrd: ByteString
  kernel: ByteString
  kernelParams: string
  /** Like `NixOS 24.11 (Linux 6.6.1)`. */
  label: string
  /** Like `x86_64-linux`. */
  system: string
  sortKey: string
  devicetree: ByteString | undefined
  /** By name, in the order of the names. */
  specialisations: [name: string, spec: BootSpec][]
}

const MAX_JSON = 1 << 20
const DEFAULT_SORT_KEY = 'nixos'

/**
 * @param path of a system, without a slash at the start
 * @throws InputError when it lacks what it cannot boot without
 */
export async function readBootSpec(tree: SystemTree, path: ByteString): Promise<BootSpec> {
  const json = tree.find(`${path}/boot.json`)
  if (json?.type !== 'file') return synthesize(tree, path)
  const bytes = await tree.read(json)
  const refuse = (message: string) => broken(`${path}/boot.json`, message)
  if (bytes.length > MAX_JSON) throw refuse(`expected a bootspec, found ${bytes.length} bytes`)
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw refuse(`expected a bootspec: ${(error as Error).message}`)
  }
  return fromJson(parsed, refuse)
}

function fromJson(document: unknown, refuse: (message: string) => InputError): BootSpec {
  const main = objectIn(document, 'org.nixos.bootspec.v1')
  if (main === undefined) throw refuse('expected the key "org.nixos.bootspec.v1"')
  const text = (key: string) => {
    const value = main[key]
    if (typeof value === 'string' && !/[\n\0]/.test(value)) return value
    throw refuse(`org.nixos.bootspec.v1.${key}: expected a text of one line`)
  }
  const params = main.kernelParams
  if (!Array.isArray(params) || !params.every((one) => typeof one === 'string' && !one.includes('\n'))) {
    throw refuse('org.nixos.bootspec.v1.kernelParams: expected a list of texts')
  }
  if (main.initrdSecrets !== undefined && main.initrdSecrets !== null) {
    throw refuse('boot.initrd.secrets are added by a program of the system, which cannot run here')
  }
  const extension = objectIn(document, 'org.nixos.systemd-boot') ?? {}
  const specialisations = objectIn(document, 'org.nixos.specialisation.v1') ?? {}
  const { sortKey, devicetree } = extension
  return {
    init: text('init'),
    initrd: treePath(text('initrd')),
    kernel: treePath(text('kernel')),
    kernelParams: params.join(' '),
    label: text('label'),
    system: text('system'),
    sortKey: typeof sortKey === 'string' ? sortKey : DEFAULT_SORT_KEY,
    devicetree: typeof devicetree === 'string' ? treePath(devicetree) : undefined,
    specialisations: Object.entries(specialisations)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, spec]) => [name, fromJson(spec, refuse)]),
  }
}

function objectIn(document: unknown, key: string): Record<string, unknown> | undefined {
  const value = (document as Record<string, unknown> | null)?.[key]
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

/** For systems that were built before there were bootspecs. */
async function synthesize(tree: SystemTree, path: ByteString): Promise<BootSpec> {
  const part = (name: string) => {
    const found = tree.find(`${path}/${name}`)
    if (found?.type === 'file') return found.path
    throw broken(`${path}/${name}`, `the system cannot boot without its ${name}`)
  }
  part('init')
  const version = await textOf(tree, `${path}/nixos-version`)
  const modules = tree.find(`${path}/kernel-modules/lib/modules`)
  const [kernelVersion = ''] = modules?.type === 'directory' ? tree.list(modules) : []
  const specialisations: BootSpec['specialisations'] = []
  for (const { name, node } of foldersIn(tree, `${path}/specialisation`)) {
    specialisations.push([name, await synthesize(tree, node.path)])
  }
  return {
    init: `/${toLatin1(path)}/init`,
    initrd: part('initrd'),
    kernel: part('kernel'),
    kernelParams: await textOf(tree, `${path}/kernel-params`),
    label: `NixOS ${version} (Linux ${toLatin1(kernelVersion)})`,
    system: await textOf(tree, `${path}/system`),
    sortKey: DEFAULT_SORT_KEY,
    devicetree: undefined,
    specialisations,
  }
}

function foldersIn(tree: SystemTree, path: ByteString): { name: string; node: FoundNode }[] {
  const folder = tree.find(path)
  if (folder?.type !== 'directory') return []
  return tree.list(folder).flatMap((name) => {
    const node = tree.find(`${path}/${name}`)
    return node?.type === 'directory' ? [{ name: toText(name) ?? toLatin1(name), node }] : []
  })
}

/** The lines of a small file as one; '' when there is none. */
async function textOf(tree: SystemTree, path: ByteString): Promise<string> {
  const file = tree.find(path)
  if (file?.type !== 'file') return ''
  return toLatin1(fromBytes(await tree.read(file, 65536)))
    .trim()
    .replace(/\s*\n\s*/g, ' ')
}

const treePath = (path: string) => fromText(path.replace(/^\/+/, ''))

function broken(path: ByteString, message: string): InputError {
  return new InputError(message, { source: 'nixos', entry: toDisplay(`/${path}`) })
}
