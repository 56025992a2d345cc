// Before the first paint: the colour scheme that was chosen (DSFR keeps it under "scheme"), so that dark never flashes white.
(() => {
  const root = document.documentElement;
  let scheme = "system";
  try {
    scheme = localStorage.getItem("scheme") || "system";
  } catch {
    // Storage is forbidden here: follow the system.
  }
  if (!["light", "dark", "system"].includes(scheme)) scheme = "system";
  const isDark = scheme === "dark" || (scheme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.setAttribute("data-fr-scheme", scheme);
  root.setAttribute("data-fr-theme", isDark ? "dark" : "light");
})();
