// Copies an element's text to the clipboard, for buttons with data-copy="SELECTOR".
for (const button of document.querySelectorAll("[data-copy]")) {
  // Browsers have a clipboard on https and localhost only.
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
    button.textContent = button.dataset.done;
  });
}
