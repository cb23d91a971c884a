/** umoci and skopeo: they make image layouts, and umoci unpacks them as a container runtime does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectedFromWalk } from './expected-from-tar.ts'
import type { ExpectedEntry, FoundEntry } from './expected.ts'
import { missingJudge, mustRun, requireJudge, runTool, type ToolResult } from './run-tool.ts'
import { findPython, walk } from './walk.ts'

/** Whether umoci can unpack images with their owners and devices, and skopeo can copy them. */
export function canUmoci(): boolean {
  if (process.getuid?.() !== 0) return missingJudge('umoci', 'it needs root')
  if (findPython() === undefined) return missingJudge('umoci', 'it needs python3')
  return requireJudge('umoci') && requireJudge('skopeo')
}

/**
 * Unpacks an image of an OCI layout.
 *
 * @returns what it made, or what umoci complained of
 */
export async function umociUnpack(layout: string, tag: string): Promise<FoundEntry[] | ToolResult> {
  const folder = mkdtempSync(join(tmpdir(), 'umoci-'))
  try {
    const root = join(folder, 'rootfs')
    const result = await runTool('umoci', ['raw', 'unpack', '--image', `${layout}:${tag}`, root])
    return result.code === 0 ? await walk(root) : result
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * What an image of an OCI layout must hold.
 *
 * @throws Error when umoci cannot unpack it
 */
export async function expectedFromUmoci(layout: string, tag: string): Promise<ExpectedEntry[]> {
  const unpacked = await umociUnpack(layout, tag)
  if (!Array.isArray(unpacked)) throw new Error(`umoci: ${unpacked.stderr}`)
  return expectedFromWalk(unpacked)
}

/** @param from,to as skopeo names images: `oci:PATH:TAG`, `docker-archive:PATH:NAME:TAG` */
export async function skopeoCopy(from: string, to: string, ...options: string[]): Promise<void> {
  await mustRun('skopeo', ['copy', '--quiet', '--insecure-policy', ...options, from, to])
}
