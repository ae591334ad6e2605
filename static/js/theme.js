// Runs before the first paint: turns the choice "auto" into the system's light or dark, and back when the system changes.
(function () {
  "use strict";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = document.cookie.match(/(?:^|; )theme=(light|dark|auto)/);
  const apply = (choice) => {
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
  };
  apply(stored ? stored[1] : "auto");
  system.addEventListener("change", () => apply(root.dataset.themeChoice));
  window.crmsyncTheme = (choice) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${choice}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    apply(choice);
  };
})();
