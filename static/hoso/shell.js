// The menu on a narrow screen. Without this script the menu is the first thing after the skip link at full width.
(() => {
  const button = document.querySelector("[data-menu-button]");
  const shade = document.querySelector("[data-menu-shade]");
  if (!button) return;
  const side = document.getElementById(button.getAttribute("aria-controls"));

  const set = (open) => {
    document.body.classList.toggle("hs-nav-open", open);
    button.setAttribute("aria-expanded", String(open));
    (open ? side.querySelector("a") : button).focus();
  };
  button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
  shade.addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && button.getAttribute("aria-expanded") === "true") set(false);
  });
})();
