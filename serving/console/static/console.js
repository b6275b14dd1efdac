// What makes the pages quicker. Each of them works without it.
"use strict";

const token = () => document.querySelector('meta[name="form-token"]')?.content ?? "";

/** Send a form and give the page that answers; null when the sign-in is asked for or nothing came back. */
async function sent(form, submitter) {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "X-Form-Token": token() },
    body: new URLSearchParams(new FormData(form, submitter)),
  });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Say something where screen readers and eyes both find it. */
function say(words, seconds = 6) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.textContent = words;
  document.getElementById("said").append(toast);
  setTimeout(() => toast.remove(), seconds * 1000);
}

// A form with data-into="#id" puts the same part of its answer in the place of this page's: nothing jumps.
function live(form) {
  const place = () => document.querySelector(form.dataset.into);
  let newest = 0;
  const send = async (submitter) => {
    const mine = ++newest;
    place().classList.add("busy");
    try {
      const page = await sent(form, submitter);
      if (mine !== newest) return;
      const part = page.querySelector(form.dataset.into);
      if (part) place().replaceWith(part);
      else say(page.querySelector("h1")?.textContent ?? "The service did not answer.");
    } catch {
      say("The service did not answer.");
    } finally {
      place().classList.remove("busy");
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.submitter);
  });
  document.addEventListener("change", (event) => {
    if (event.target.form === form && event.target.matches("[data-at-once]")) send();
  });
}

// An element with data-poll="path" is asked for again until it says data-done.
function poll(place, tries = 20) {
  if (place.dataset.done !== undefined || tries === 0) return;
  setTimeout(async () => {
    try {
      const text = await (await fetch(place.dataset.poll)).text();
      const part = new DOMParser().parseFromString(text, "text/html").getElementById(place.id);
      if (part) {
        place.replaceWith(part);
        place = part;
      }
    } catch {
      /* the next try may do better */
    }
    poll(place, tries - 1);
  }, 700);
}

document.querySelectorAll("form[data-into]").forEach(live);
document.querySelectorAll("[data-poll]").forEach((place) => poll(place));
