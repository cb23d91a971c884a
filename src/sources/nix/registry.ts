import type { ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { formatSha256 } from './hash.ts'
import { formatRegistration } from './registration.ts'
import { fullStorePath, type StorePathInfo } from './store-path.ts'

/** What the sources of one store have registered so far. */
export class StoreRegistry {
  readonly #infos = new Map<string, StorePathInfo>()

  /** @throws InputError when a path is known already, with other content */
  add(info: StorePathInfo, source: string): void {
    const known = this.#infos.get(info.path)
    if (known !== undefined && known.narHash !== info.narHash) {
      throw new InputError(
        `its content differs from that of an earlier source: ${formatSha256(known.narHash)} there, ${formatSha256(info.narHash)} here`,
        { source, entry: fullStorePath(info.path) },
      )
    }
    this.#infos.set(info.path, info)
  }

  /**
   * All of it, for `nix-store --load-db`.
   *
   * @throws InputError when a reference is not registered, without which Nix would take nothing of it
   */
  text(source: string): string {
    const infos = [...this.#infos.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
    for (const { path, references } of infos) {
      const missing = references.find((reference) => !this.#infos.has(reference))
      if (missing === undefined) continue
      throw new InputError(
        `refers to ${fullStorePath(missing)}, which is in no source: expected a whole closure`,
        { source, entry: fullStorePath(path) },
      )
    }
    return formatRegistration(infos)
  }
}

/** The stores in one partition: each has a text with what all of its sources have registered. */
export class StoreRegistries {
  readonly #registries = new Map<ByteString, StoreRegistry>()

  /** @param root directory in which `nix/store` is */
  of(root: ByteString): StoreRegistry {
    let registry = this.#registries.get(root)
    if (registry === undefined) this.#registries.set(root, (registry = new StoreRegistry()))
    return registry
  }
}
