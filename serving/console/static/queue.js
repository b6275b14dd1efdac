// Keys, blur, marks and the lease on the pages Queue and Case. Every page works by its plain forms without this file.
"use strict";

(() => {
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const KEYS_OFF = "npsight-keys-off"; // in this browser: people who dictate must be able to switch single keys off
  const EXTEND_EVERY = 60_000; // milliseconds; a lease is many minutes long, so some lost calls do no harm

  document.documentElement.classList.add("scripted");

  // --- keys ---
  const help = one("#keys");
  const keysOn = one("#keys-on");
  const off = () => localStorage.getItem(KEYS_OFF) === "1";
  if (keysOn) {
    keysOn.checked = !off();
    keysOn.addEventListener("change", () => localStorage.setItem(KEYS_OFF, keysOn.checked ? "0" : "1"));
  }
  all("[data-opens]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => one(button.dataset.opens).showModal());
  });

  const typing = (target) =>
    target.isContentEditable ||
    target.matches("textarea, select, input:not([type=radio]):not([type=checkbox]):not([type=submit])");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target)) return;
    if (event.key === "?" && help && !help.open) return help.showModal();
    if (off() || one("dialog[open]")) return;
    const key = { ArrowDown: "j", ArrowUp: "k" }[event.key] ?? event.key.toLowerCase();
    if (event.key.startsWith("Arrow") && event.target.matches("input[type=radio]")) return;
    if ((key === "j" || key === "k") && all("[data-row]").length) {
      event.preventDefault();
      return step(key === "j" ? 1 : -1);
    }
    const control = one(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
    if (!control) return;
    event.preventDefault();
    if (control.matches("textarea")) control.focus();
    else control.click();
  });

  function step(by) {
    const rows = all("[data-row]");
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + by, 0), rows.length - 1)].focus();
  }

  // --- a form is sent once, however fast the key is hit twice ---
  all("form[data-once]").forEach((form) =>
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    }),
  );
  addEventListener("pageshow", () => all("form[data-once]").forEach((form) => delete form.dataset.sent));

  // --- a number key again takes the intent back ---
  all("input[type=radio][data-key]").forEach((radio) => {
    let was = radio.checked;
    radio.addEventListener("click", () => {
      radio.checked = !was;
      all(`input[name="${radio.name}"]`).forEach((each) => each.dispatchEvent(new Event("settle")));
    });
    radio.addEventListener("settle", () => (was = radio.checked));
  });

  // --- the lease ---
  const lease = one("#lease");
  async function extend() {
    if (document.hidden) return;
    const said = one("#lease-said");
    try {
      const answer = await fetch(lease.action, { method: "POST", body: new URLSearchParams(new FormData(lease)) });
      if (!answer.ok) throw new Error(String(answer.status));
      const { mine, words } = await answer.json();
      said.textContent = words;
      said.classList.toggle("lost", !mine);
    } catch {
      said.textContent = "The service does not answer. What you typed stays here.";
      said.classList.add("lost");
    }
  }
  if (lease) {
    setInterval(extend, Number(lease.dataset.every) || EXTEND_EVERY);
    document.addEventListener("visibilitychange", extend);
  }

  // --- corrected marks: select words, choose what they are ---
  const text = one("#post-text");
  const kind = one("#mark-kind");
  const add = one("#mark-add");
  let picked = null;

  const points = (words) => Array.from(words).length; // offsets count code points, as the wire does
  document.addEventListener("selectionchange", () => {
    const selection = getSelection();
    if (!text || !selection.rangeCount || selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    if (!text.contains(range.commonAncestorContainer)) return;
    const before = document.createRange();
    before.setStart(text, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const start = points(before.toString());
    picked = { start, end: start + points(range.toString()), words: range.toString() };
    if (add) one("#mark-words").value = picked.words;
  });
  if (add) add.hidden = false;
  add?.addEventListener("click", (event) => {
    if (!picked || one("#mark-words").value !== picked.words) return; // typed by hand: the server looks for the words
    event.preventDefault();
    const row = one("#mark-row").content.cloneNode(true);
    const box = row.querySelector("input");
    box.value = `${picked.start}:${picked.end}:${kind.value}`;
    row.querySelector(".mark-words").textContent = picked.words;
    row.querySelector(".mark-kind").textContent = kind.selectedOptions[0].textContent;
    one("#marks").append(row);
    one("#mark-words").value = "";
    one("#mark-said").textContent = `Marked: ${picked.words}. It is stored with your decision.`;
    picked = null;
  });
})();
