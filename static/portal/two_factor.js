// Says to the person what allauth's script would tell the console: a passkey was not made or not found.
"use strict";

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey-problem").hidden = false;
});
