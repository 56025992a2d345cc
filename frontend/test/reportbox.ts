// The report: to be read, copied, or kept as a file.
import { button, element } from "./elements.ts";
import type { Strings } from "./strings/index.ts";

const SAID_FOR_MS = 2_500;

export class ReportBox {
  readonly section: HTMLElement;
  private readonly text: HTMLTextAreaElement;

  private readonly strings: Strings;

  constructor(strings: Strings) {
    this.strings = strings;
    const heading = element("h2", { className: "fr-h5", id: "report-title" }, strings.titles.report);
    const label = element("label", { className: "fr-label", htmlFor: "report-text" }, strings.reportText);
    this.text = element("textarea", {
      className: "fr-input test-report__text",
      id: "report-text",
      readOnly: true,
      rows: 18,
      data: { testid: "report-text" },
    });
    const copy = button(strings.copy, "primary", "report-copy", () => void this.copy(copy));
    const download = button(strings.download, "secondary", "report-download", () => this.download());
    const acts = element("div", { className: "test-report__acts" }, copy, download);
    const data = { testid: "report" };
    const aria = { labelledby: heading.id };
    const intro = element("p", {}, strings.reportIntro);
    this.section = element(
      "section",
      { className: "test-report", hidden: true, data, aria },
      heading,
      intro,
      label,
      this.text,
      acts,
    );
  }

  show(text: string): void {
    this.text.value = text;
    this.section.hidden = false;
  }

  hide(): void {
    this.section.hidden = true;
  }

  private async copy(from: HTMLButtonElement): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.text.value);
    } catch {
      // No permission, or no HTTPS: selected, it can be copied by hand.
      this.text.focus();
      this.text.select();
      return;
    }
    from.textContent = this.strings.copied;
    setTimeout(() => {
      from.textContent = this.strings.copy;
    }, SAID_FOR_MS);
  }

  private download(): void {
    const address = URL.createObjectURL(new Blob([this.text.value], { type: "text/plain;charset=utf-8" }));
    element("a", { href: address, download: this.strings.fileName }).click();
    setTimeout(() => URL.revokeObjectURL(address), SAID_FOR_MS);
  }
}
