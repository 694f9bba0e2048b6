// Shows an error that allauth's script would only log: a passkey was not created or not found.
"use strict";

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey-problem").hidden = false;
});
