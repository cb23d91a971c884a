/** What is wrong with one entry. The reader of its source makes an InputError of it, which says where the entry is. */
export class EntryProblem extends Error {}
