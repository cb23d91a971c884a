/** The optional package zstd-napi, libzstd for Node: absent where it could not be built, types and all. */
import { isNode } from '../node-module.ts'

/** The part of zstd-napi/binding.js used here. */
export interface NapiBinding {
  CCtx: new () => {
    setParameter(parameter: number, value: number): void
    compress2(target: Uint8Array, source: Uint8Array): number
  }
  DCtx: new () => {
    setParameter(parameter: number, value: number): void
    decompress(target: Uint8Array, source: Uint8Array): number
    /** ZSTD_decompressStream. */
    decompressStream(target: Uint8Array, source: Uint8Array): [left: number, written: number, read: number]
  }
  CParameter: { compressionLevel: number }
  DParameter: { windowLogMax: number }
}

/** Undefined where it is not installed or could not be built. */
export async function loadNapiBinding(): Promise<NapiBinding | undefined> {
  // A browser would ask its server for it.
  if (!isNode()) return undefined
  // Not a literal: the package is optional, and neither compiler nor bundler may insist on it.
  const name: string = 'zstd-napi/binding.js'
  try {
    return ((await import(/* @vite-ignore */ name)) as { default: NapiBinding }).default
  } catch {
    return undefined
  }
}
