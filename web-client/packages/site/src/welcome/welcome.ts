// Puts this gateway's own address into the examples.

for (const place of document.querySelectorAll("[data-origin]")) {
  place.textContent = location.origin;
}
