// Before the first paint: the colour scheme that was chosen (DSFR keeps it under "scheme"), so that dark never flashes white.
// While the page is open it follows the system where nobody chose otherwise, and a choice that is made on another page.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      const scheme = localStorage.getItem("scheme");
      return ["light", "dark"].includes(scheme) ? scheme : "system";
    } catch {
      return "system"; // Storage is forbidden here.
    }
  };
  const show = (scheme) => {
    const isDark = scheme === "dark" || (scheme === "system" && system.matches);
    root.setAttribute("data-fr-scheme", scheme);
    root.setAttribute("data-fr-theme", isDark ? "dark" : "light");
  };
  show(chosen());
  system.addEventListener("change", () => show(root.getAttribute("data-fr-scheme")));
  addEventListener("storage", ({ key }) => {
    if (key === "scheme") show(chosen());
  });
})();
