/** Which of the images in a layout is meant. */
import { InputError } from '../../lib/errors.ts'
import type { OpenImage, StoredImage } from './image.ts'
import { formatPlatform, isSameArchitecture, isSamePlatform, type ImagePlatform } from './platform.ts'

export interface WantedImage {
  /** A name, a tag or a digest. */
  reference: string | undefined
  platform: ImagePlatform | undefined
}

/** Images that an error message lists. */
const MAX_LISTED = 20

/**
 * The one image of that name and for that platform.
 *
 * @throws InputError that lists the images when none is the wanted one, or several are
 */
export async function chooseImage(
  images: readonly StoredImage[],
  wanted: WantedImage,
  source: string,
): Promise<OpenImage> {
  if (images.length === 0) throw new InputError('it holds no image', { source })
  const { reference, platform } = wanted
  const named = reference === undefined ? images : images.filter((image) => isNamed(image, reference))
  if (named.length === 0) throw await notOne(images, wanted, source)
  const chosen = platform === undefined ? await thoseThere(named) : await thoseFor(platform, named)
  if (chosen.length !== 1) throw await notOne(named, wanted, source)
  return chosen[0].open()
}

/** An index may name images of more platforms than were saved with it. */
async function thoseThere(images: readonly StoredImage[]): Promise<readonly StoredImage[]> {
  if (images.length === 1) return images
  const there: StoredImage[] = []
  for (const image of images) if (await image.isThere()) there.push(image)
  return there
}

async function thoseFor(
  wanted: ImagePlatform,
  images: readonly StoredImage[],
): Promise<readonly StoredImage[]> {
  const ofArchitecture: { image: StoredImage; platform: ImagePlatform }[] = []
  for (const image of images) {
    const platform = await platformOf(image)
    if (isSameArchitecture(platform, wanted)) ofArchitecture.push({ image, platform })
  }
  const same = ofArchitecture.filter(({ platform }) => isSamePlatform(platform, wanted))
  // Without a variant, the only one is meant, whichever it is.
  const chosen = same.length === 0 && !wanted.variant ? ofArchitecture : same
  return chosen.map(({ image }) => image)
}

async function platformOf(image: StoredImage): Promise<ImagePlatform> {
  return image.platform ?? (await image.open()).platform
}

function isNamed({ names, digests }: StoredImage, reference: string): boolean {
  return digests.has(reference) || [...names].some((name) => shortName(name) === shortName(reference))
}

/** `docker.io/library/debian:latest` and `debian` are the same. (distribution/reference, "familiar" names) */
function shortName(name: string): string {
  const short = name.replace(/^(?:index\.)?docker\.io\/(?:library\/)?/, '')
  return /:[^/]*$/.test(short) ? short : `${short}:latest`
}

async function notOne(
  images: readonly StoredImage[],
  { reference, platform }: WantedImage,
  source: string,
): Promise<InputError> {
  const which = [
    ...(reference === undefined ? [] : [` ${JSON.stringify(reference)}`]),
    ...(platform === undefined ? [] : [` for ${formatPlatform(platform)}`]),
  ]
  const shown: { image: StoredImage; text: string }[] = []
  for (const image of images.slice(0, MAX_LISTED)) shown.push({ image, text: await described(image) })
  const isAlone = (text: string) => shown.filter((other) => other.text === text).length === 1
  const found = shown.map(({ image, text }) => (isAlone(text) ? text : `${text} (${[...image.digests][0]})`))
  if (images.length > MAX_LISTED) found.push(`${images.length - MAX_LISTED} more`)
  return new InputError(
    `expected one image${which.join('')}, found ${found.join(', ')}; "reference" and "platform" choose one`,
    { source },
  )
}

/** Its names, and what it is for. */
async function described(image: StoredImage): Promise<string> {
  const isThere = await image.isThere()
  const names = [...image.names].map((name) => JSON.stringify(name)).join(' or ')
  const platform = image.platform ?? (isThere ? (await image.open()).platform : undefined)
  const what = [
    names || 'one',
    platform && `for ${formatPlatform(platform)}`,
    !isThere && 'that is not in the layout',
  ]
  return what.filter((part) => typeof part === 'string').join(' ')
}
