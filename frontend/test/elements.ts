// Elements of the page without a framework: the test must also start where little else does.

type Properties<K extends keyof HTMLElementTagNameMap> = Partial<Omit<HTMLElementTagNameMap[K], "dataset">> & {
  data?: Record<string, string>;
  aria?: Record<string, string>;
};

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  { data, aria, ...properties }: Properties<K> = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  for (const [key, value] of Object.entries(data ?? {})) made.dataset[key] = value;
  for (const [key, value] of Object.entries(aria ?? {})) made.setAttribute(`aria-${key}`, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export type ButtonKind = "primary" | "secondary" | "tertiary";

export function button(text: string, kind: ButtonKind, testId: string, onClick: () => void): HTMLButtonElement {
  const style = { primary: "", secondary: " fr-btn--secondary", tertiary: " fr-btn--tertiary" }[kind];
  const made = element("button", { type: "button", className: `fr-btn${style}`, data: { testid: testId } }, text);
  made.addEventListener("click", onClick);
  return made;
}
