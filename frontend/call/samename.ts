/** Whether two people in a meeting go by the same name, however it is typed; nameless people do not. */
export function sameName(one: string | undefined, other: string | undefined): boolean {
  const plain = (name: string | undefined) => (name ?? "").normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
  return plain(one) !== "" && plain(one) === plain(other);
}
