// Single-key shortcuts. An element says its key itself: data-key="a". No eval, no inline handlers:
// htmx's own key filters need eval, which the page's Content-Security-Policy forbids.
// Only what can be seen reacts, so a key never does what no button offers at that moment.
const seen = (selector, within = document) =>
  [...within.querySelectorAll(selector)].find((found) => !found.disabled && found.checkVisibility());

document.addEventListener("keydown", (event) => {
  const at = event.target;
  const typing = at.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
  if (event.isComposing || event.repeat || event.altKey) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    seen("[data-save]", at.closest("form") ?? document)?.click();
  } else if (event.key === "Escape" && typing) {
    at.blur();
  } else if (!typing && !event.ctrlKey && !event.metaKey && document.documentElement.dataset.keys === "on") {
    if (event.key === "Enter" && !at.matches("body, main, h1, h2")) return; // Enter on a control is its own
    const wanted = seen(`[data-key="${CSS.escape(event.key.length > 1 ? event.key : event.key.toLowerCase())}"]`);
    if (!wanted) return;
    event.preventDefault();
    wanted.focus();
    if (!wanted.matches("textarea, input[type=search]")) wanted.click();
  }
});

// A field over a long list of answers: those that do not contain its words are hidden.
document.addEventListener("input", (event) => {
  const { filter } = event.target.dataset;
  if (!filter) return;
  const words = event.target.value.trim().toLowerCase();
  for (const row of document.querySelectorAll(filter)) {
    row.hidden = !row.textContent.toLowerCase().includes(words) && !row.querySelector(":checked");
  }
});

// What is written stays in the form while the page cannot be reached.
let cutOff = null;
document.addEventListener("htmx:error", (event) => {
  if (!event.detail?.ctx?.response) {
    cutOff = event.target;
    document.getElementById("cut-off").hidden = false;
  }
});
document.addEventListener("htmx:before:response", () => {
  document.getElementById("cut-off").hidden = true;
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-again]")) return;
  const form = cutOff?.closest("form");
  if (form) form.requestSubmit();
  else location.reload();
});

// After a swap the new heading, or the field that is wrong, has the focus. The attribute autofocus
// would do it, too, but with a message in the console wherever something has the focus already.
const focusNew = () => {
  const found = document.querySelector("[data-focus]");
  if (!found) return;
  found.removeAttribute("data-focus");
  found.focus({ preventScroll: found.matches("h1") });
};
// Where single keys are switched off, nothing says that there are any.
const keysOff = () => {
  if (document.documentElement.dataset.keys === "on") return;
  for (const found of document.querySelectorAll("[data-key]")) found.removeAttribute("aria-keyshortcuts");
};
for (const event of ["htmx:after:swap", "DOMContentLoaded"]) {
  document.addEventListener(event, focusNew);
  document.addEventListener(event, keysOff);
}
