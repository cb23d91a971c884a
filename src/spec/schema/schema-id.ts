/** Where the JSON Schema of the image description is, for editors: in the package, on a server of npm packages. */
export const SCHEMA_ID = 'https://unpkg.com/diskwright/dist/schema.json'
