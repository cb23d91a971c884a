export interface ReleaseFiles {
  version: string
  manifest: { version: string }
  lock: { version: string; packages: Record<string, { version: string }> }
  nix: string
  changelog: string
  golden: Record<string, string>
  previous?: Record<string, string> | undefined
}
export function sectionOf(changelog: string, version: string): string
export function changedImages(before: Record<string, string>, now: Record<string, string>): string[]
export function problemsOf(files: ReleaseFiles): string[]
