/**
 * The software bill of materials of the package (CycloneDX, by `npm sbom`): what npm installs with it, and the packages that
 * the build puts into its files. The same package-lock.json gives the same bytes.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesBelow } from './files-below.mjs'
import { NOTICES } from './licence-notices.mjs'
import { npm } from './npm.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** In WebAssembly, and in the page of `inspect`. */
const EMBEDDED = ['d3-hierarchy', 'xz-decompress', 'zstd-napi']

/** Packages that files of dist/ have parts of: the notices there tell. */
function bundledPackages(lock) {
  const notices = filesBelow(join(ROOT, 'dist'))
    .filter((path) => path.endsWith(NOTICES))
    .map((path) => readFileSync(join(ROOT, 'dist', path), 'utf8'))
  const names = Object.keys(lock.packages)
    .filter((path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path))
    .map((path) => path.slice('node_modules/'.length))
  const inNotices = names.filter((name) =>
    notices.some((text) => text.startsWith(`${name}\n\n`) || text.includes(`\n\n${name}\n\n`)),
  )
  return new Set([...inNotices, ...EMBEDDED])
}

/**
 * @param time seconds since 1970 that the document states, or undefined for none
 * @returns the document as text
 */
export function sbom(time) {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const all = JSON.parse(
    npm(['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'], ROOT),
  )
  const bundled = bundledPackages(lock)
  const { dependencies: required, optionalDependencies: optional } = lock.packages['']
  const needed = neededRefs(all, new Set([...Object.keys({ ...required, ...optional }), ...bundled]))
  const components = all.components
    .filter((component) => needed.has(component['bom-ref']))
    .map((component) => withProperties(component, bundled.has(fullName(component))))
  const refs = new Set([
    all.metadata.component['bom-ref'],
    ...components.map((component) => component['bom-ref']),
  ])
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }))
  const { component } = all.metadata
  const timestamp = time === undefined ? undefined : new Date(time * 1000).toISOString()
  const document = {
    ...all,
    serialNumber: undefined,
    metadata: { ...all.metadata, timestamp, component: { ...component, name: lock.name } },
    components,
    dependencies,
  }
  return `${JSON.stringify({ ...document, serialNumber: serialOf(document) }, null, 2)}\n`
}

const fullName = ({ purl }) => decodeURIComponent(purl.replace(/^pkg:npm\//, '').replace(/@[^@]*$/, ''))

/** The references of packages, and of all that they need in turn. */
function neededRefs({ components, dependencies }, names) {
  const dependsOn = new Map(dependencies.map((each) => [each.ref, each.dependsOn]))
  const needed = new Set()
  const add = (ref) => {
    if (needed.has(ref)) return
    needed.add(ref)
    for (const other of dependsOn.get(ref) ?? []) add(other)
  }
  for (const component of components) if (names.has(fullName(component))) add(component['bom-ref'])
  return needed
}

function withProperties({ properties = [], ...component }, isBundled) {
  const left = properties.filter(({ name }) => name !== 'cdx:npm:package:development')
  const own = isBundled ? [{ name: 'cdx:npm:package:bundled', value: 'true' }] : []
  return { ...component, properties: [...left, ...own] }
}

/** A number that follows from what it stands for, in the form of a UUID. */
function serialOf(document) {
  const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex')
  const digits = `${hash.slice(0, 12)}8${hash.slice(13, 16)}8${hash.slice(17, 32)}`
  return `urn:uuid:${digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`
}
