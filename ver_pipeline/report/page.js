"use strict";
(() => {
  const root = document.documentElement;
  const keep = (name, value) => { try { localStorage.setItem("ver-" + name, value); } catch (e) { /* file:// may forbid it */ } };
  const kept = (name) => { try { return localStorage.getItem("ver-" + name); } catch (e) { return null; } };

  const speak = (lang) => {
    root.dataset.lang = lang;
    root.lang = lang === "zh" ? "zh-Hans" : "en";
    document.getElementById("lang").textContent = lang === "zh" ? "English" : "中文";
  };
  const wanted = new URLSearchParams(location.search);
  speak(wanted.get("lang") || kept("lang") || (navigator.language.startsWith("zh") ? "zh" : "en"));
  document.getElementById("lang").onclick = () => {
    speak(root.dataset.lang === "zh" ? "en" : "zh");
    keep("lang", root.dataset.lang);
  };

  const theme = wanted.get("theme") || kept("theme");
  if (theme) root.dataset.theme = theme;
  document.getElementById("theme").onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    keep("theme", root.dataset.theme);
  };

  const cards = [...document.querySelectorAll(".card")];
  document.querySelectorAll(".chip").forEach((chip) => {
    chip.onclick = () => {
      document.querySelectorAll(".chip").forEach((other) => other.classList.toggle("on", other === chip));
      cards.forEach((card) => { card.hidden = Boolean(chip.dataset.filter) && card.dataset.label !== chip.dataset.filter; });
    };
  });

  cards.forEach((card) => {
    const video = card.querySelector("video");
    if (!video) return;
    const drawing = card.querySelector(".time");
    const now = drawing.querySelector(".now");
    const left = Number(now.getAttribute("x1"));
    const width = drawing.viewBox.baseVal.width - left - 4;
    video.ontimeupdate = () => {
      const x = left + width * Math.min(1, video.currentTime / Number(drawing.dataset.length));
      now.setAttribute("x1", x);
      now.setAttribute("x2", x);
      drawing.classList.add("playing");
    };
    card.querySelectorAll("[data-t]").forEach((mark) => {
      mark.onclick = () => {
        const start = () => { video.currentTime = Number(mark.dataset.t); video.play().catch(() => {}); };
        if (video.readyState > 0) start();
        else { video.addEventListener("loadedmetadata", start, { once: true }); video.load(); }
      };
    });
    video.onplay = () => cards.forEach((other) => {
      const playing = other.querySelector("video");
      if (playing && playing !== video) playing.pause();
    });
  });
})();
