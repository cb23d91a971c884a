// Lists the partitions and top directories of an .img or .img.zst that is chosen on the page. Nothing is uploaded.
import { openImage } from 'diskwright/browser'

const list = document.querySelector('ul')

function addLine(text) {
  const item = document.createElement('li')
  item.textContent = text
  list.append(item)
}

document.querySelector('input').addEventListener('change', async ({ target }) => {
  list.replaceChildren()
  try {
    const image = await openImage(target.files[0])
    for (const partition of image.partitions) {
      const { number, size, contentType, label } = partition
      addLine(`partition ${number}: ${contentType ?? 'unknown'} "${label}", ${size} bytes`)
      const fileSystem = await partition.open()
      for (const { name, type } of await fileSystem.list('/')) addLine(`${number}:/${name} (${type})`)
    }
    await image.close()
  } catch (error) {
    addLine(error.message)
  }
})
