// What a person is called on the page. The engine's identity is a random code, nothing that anybody reads.
import type { Strings } from "./strings/index.ts";

export function personName(name: string | undefined, strings: Pick<Strings, "stage">): string {
  return name?.trim() || strings.stage.nameless;
}
