// The CRM's own script: shows the customers with the number that was searched, or that called.

const wanted = new URLSearchParams(location.search).get("phone")?.replace(/[^+\d]/g, "") ?? "";

if (wanted !== "") {
  let found = 0;
  for (const row of document.querySelectorAll("tbody tr")) {
    const isWanted = row.dataset.phone?.includes(wanted) ?? false;
    row.hidden = !isWanted;
    found += Number(isWanted);
  }
  document.querySelector("#found").textContent =
    found === 1 ? `1 customer with ${wanted}` : `${found} customers with ${wanted}`;
  document.querySelector("[name=phone]").value = wanted;
}
