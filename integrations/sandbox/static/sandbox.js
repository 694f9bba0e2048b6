// Parts marked data-refresh follow the server once a second. Without this file, reloading does the same.
"use strict";

function openDetails(box) {
  return new Set([...box.querySelectorAll("details[open][id]")].map((item) => item.id));
}

function isBusy(box) {
  const active = document.activeElement;
  return document.hidden || (box.contains(active) && active.matches("input, select, textarea"));
}

async function refresh(box) {
  if (isBusy(box)) return;
  let text;
  try {
    const answer = await fetch(box.dataset.refresh, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // The sandbox is restarting: the next second will tell.
  }
  if (text === box.shown || isBusy(box)) return;
  box.shown = text;
  const open = openDetails(box);
  box.innerHTML = text;
  for (const item of box.querySelectorAll("details[id]")) item.open = open.has(item.id);
  guard(box);
}

// A button that calls the portal can take seconds: pressed once is enough.
function guard(part) {
  for (const form of part.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button")) {
        button.disabled = true;
        button.classList.add("waiting");
      }
    });
  }
}

guard(document);
for (const box of document.querySelectorAll("[data-refresh]")) setInterval(() => refresh(box), 1000);
