"use strict";
// The list of items and the details of one query. Whatever comes from a run is put in as text, never as markup.
(() => {
  const nonce = document.currentScript.nonce;
  const index = JSON.parse(document.getElementById("index").textContent);
  const [ID, QUERY, CONDITION, REPEAT, OUTCOME, SPLIT] = [0, 1, 2, 3, 4, 5];
  const Q = { id: 0, text: 1, intent: 2, scenario: 3, twin: 4, chunk: 5 };
  const ROWS = 50;
  const byId = (id) => document.getElementById(id);
  const pending = { name: "pending", open: true };
  const outcomeOf = (item) => index.outcomes[item[OUTCOME]] || pending;
  const words = (name) => index.called[name] ?? name.replaceAll("_", " ");
  const count = (number) => number.toLocaleString("en");
  const itemsOf = new Map();
  index.items.forEach((item) => itemsOf.set(item[QUERY], [...(itemsOf.get(item[QUERY]) || []), item]));

  function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...children.filter((child) => child !== null));  // append takes a string as text
    return made;
  }

  // --- details, loaded when wanted

  const loaded = new Map();
  const waiting = new Map();
  window.safebenchChunk = (number, json) => waiting.get(number)(JSON.parse(json));

  function load(number) {
    if (!loaded.has(number)) loaded.set(number, fetchChunk(number));
    return loaded.get(number);
  }

  function fetchChunk(number) {
    const inside = byId(`chunk-${number}`);
    if (inside) return Promise.resolve(JSON.parse(inside.textContent));
    return new Promise((resolve, reject) => {
      waiting.set(number, resolve);
      const script = document.createElement("script");
      script.nonce = nonce;
      script.src = `report/items-${String(number).padStart(3, "0")}.js`;
      script.onload = () => script.remove();
      script.onerror = () => {
        loaded.delete(number);
        reject(new Error(`${script.src} is missing: keep the folder report/ beside this page`));
      };
      document.head.append(script);
    });
  }

  // --- the list

  const answersToo = byId("f-answers");  // not on a redacted page, which has none
  const answers = new Map();  // by item's id, in lower case: filled when first they are searched
  const filters = ["search", "outcome", "condition", "scenario", "intent", "jurors"].map((name) => byId(`f-${name}`));
  let shown = [];
  let page = 0;

  function fill(select, options) {
    select.append(...[["", "any"], ...options].map(([value, text]) => make("option", { value }, text)));
  }

  function setUp() {
    const used = new Set(index.items.map((item) => outcomeOf(item).name));
    const outcomes = [...index.outcomes, pending].filter((outcome) => used.has(outcome.name));
    fill(byId("f-outcome"), [
      ...outcomes.map(({ name }) => [name, words(name)]), ["+decided", "decided (all)"], ["+open", "open (all)"],
    ]);
    fill(byId("f-condition"), index.conditions.map((name, n) => [n, name]));
    fill(byId("f-scenario"), index.scenarios.map((name, n) => [n, name]));
    fill(byId("f-intent"), index.intents.map((name, n) => [n, name]));
    ["input", "change"].forEach((event) => byId("filters").addEventListener(event, filter));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("reset", () => setTimeout(filter));
    byId("previous").addEventListener("click", () => turn(page - 1));
    byId("next").addEventListener("click", () => turn(page + 1));
  }

  async function readAnswers() {
    const numbers = [...new Set(index.queries.map((query) => query[Q.chunk]))];
    for (const number of numbers) {
      byId("status").textContent = `Reading answers: part ${number + 1} of ${numbers.length} …`;
      const kept = loaded.has(number);
      const { items } = await load(number);
      if (!kept) loaded.delete(number);  // all of them would fill the memory
      Object.entries(items).forEach(([id, { response, heard }]) =>
        answers.set(Number(id), `${response?.text ?? ""}\n${heard ?? ""}`.toLowerCase()));
    }
  }

  let reading = null;  // a promise; true when all are read

  function filter() {
    if (!answersToo?.checked || reading === true) return sift();
    reading ||= readAnswers().then(() => { reading = true; filter(); }, (error) => {
      reading = null;
      answersToo.checked = false;
      filter();
      byId("status").textContent = error.message;
    });
  }

  function sift() {
    const [search, outcome, condition, scenario, intent, jurors] = filters.map((input) => input.value);
    const sought = search.trim().toLowerCase();
    const fits = (wanted, value) => wanted === "" || Number(wanted) === value;
    shown = index.items.filter((item) => {
      const query = index.queries[item[QUERY]];
      const { name, open } = outcomeOf(item);
      return (outcome === "" || outcome === name || outcome === (open ? "+open" : "+decided"))
        && fits(condition, item[CONDITION]) && fits(scenario, query[Q.scenario]) && fits(intent, query[Q.intent])
        && fits(jurors, item[SPLIT])
        && (!sought || `${query[Q.id]}\n${query[Q.text]}`.toLowerCase().includes(sought)
          || (answersToo?.checked && answers.get(item[ID]).includes(sought)));
    });
    turn(0);
  }

  function turn(to) {
    const pages = Math.max(1, Math.ceil(shown.length / ROWS));
    page = Math.min(Math.max(0, to), pages - 1);
    byId("status").textContent = `${count(shown.length)} of ${count(index.items.length)} items`;
    byId("page").textContent = `Page ${count(page + 1)} of ${count(pages)}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page === pages - 1;
    byId("list").tBodies[0].replaceChildren(...shown.slice(page * ROWS, (page + 1) * ROWS).map(row));
    document.dispatchEvent(new Event("filled"));
  }

  function row(item) {
    const query = index.queries[item[QUERY]];
    const open = make("button", { type: "button" }, query[Q.text].trim() ? query[Q.text].slice(0, 400) : query[Q.id]);
    open.addEventListener("click", () => show(item));
    const repeat = item[REPEAT] ? ` · repeat ${item[REPEAT] + 1}` : "";
    const told = [open, index.conditions[item[CONDITION]] + repeat, chip(item), index.intents[query[Q.intent]],
      index.scenarios[query[Q.scenario]] || "–", item[SPLIT] ? "disagreed" : "–"];
    return make("tr", {}, ...told.map((cell) => make("td", {}, cell)));
  }

  function chip(item) {
    const { name, open } = outcomeOf(item);
    const mark = open ? "○ " : name === "unsafe" ? "▲ " : "● ";
    return make("span", { class: `chip ${open ? "open" : name}` }, mark + words(name));
  }

  // --- one query: all its conditions side by side, and its twin beside them, or below where there is no room

  const dialog = byId("item");
  let current = null;

  async function show(item) {
    current = item;
    const query = index.queries[item[QUERY]];
    byId("item-title").textContent = `Query ${query[Q.id]}`;
    byId("item-body").replaceChildren(make("p", {}, "Loading …"));
    address(`#item-${item[ID]}`);
    if (!dialog.open) dialog.showModal();
    byId("item-title").focus();
    dialog.scrollTop = 0;
    let parts;
    try {
      parts = [await group(item[QUERY], item)];
      if (query[Q.twin] >= 0) parts.push(await group(query[Q.twin], item));
    } catch (error) {
      parts = [make("p", { role: "alert" }, error.message)];
    }
    if (current === item) byId("item-body").replaceChildren(...parts);
  }

  // Where a reader is, for a colleague to be sent to. Opened from the list, Back returns to it.
  function address(hash) {
    byId("item-link").href = byId("item-link").textContent = hash;
    if (location.hash !== hash) history[dialog.open ? "replaceState" : "pushState"](null, "", hash);
  }

  async function group(number, chosen) {
    const query = index.queries[number];
    const details = await load(query[Q.chunk]);
    const title = number === chosen[QUERY] ? "" : `Twin ${query[Q.id]} · `;
    const scenario = index.scenarios[query[Q.scenario]];
    return make("section", {},
      make("h3", {}, `${title}${index.intents[query[Q.intent]]}${scenario ? ` · ${scenario}` : ""}`),
      readable("Text of the query", query[Q.text]),
      make("div", { class: "cards" }, ...(itemsOf.get(number) || []).map((item) => card(item, chosen, details))));
  }

  function card(item, chosen, details) {
    const told = details.items[item[ID]];
    const repeat = item[REPEAT] ? ` · repeat ${item[REPEAT] + 1}` : "";
    const medium = told.rendering && told.rendering.media;
    return make("article", { class: item === chosen ? "card chosen" : "card", "data-item": item[ID] },
      make("h4", {}, index.conditions[item[CONDITION]] + repeat),
      make("p", {}, chip(item), told.rating === null ? "" : ` · rating ${told.rating} of 5`),
      told.hidden ? null : why(told),
      medium ? player(details.media[medium.sha256], `What was sent for item ${item[ID]}`) : null,
      rendering(told.rendering),
      given(told.response),
      answer(told, details.media),
      ballots(told),
      told.request ? folded("Exact request", make("pre", { tabindex: "0", role: "group", "aria-label": "Exact request" }, JSON.stringify(told.request, null, 2))) : null,
      folded("Keys in run.db", make("p", { class: "keys" },
        ...Object.entries(told.keys).map(([name, key]) => make("div", {}, `${name}: ${key ?? "–"}`)))));
  }

  function readable(label, text, kind = "text") {  // by keyboard, too, where it is longer than its box
    return make("div", { class: kind, dir: "auto", tabindex: "0", role: "group", "aria-label": label }, text);
  }

  function folded(title, ...content) {
    return make("details", {}, make("summary", {}, title), ...content);
  }

  function rendering(told) {
    if (!told) return null;
    const { status, measures, recogniser, recognised, reason } = told.fidelity;
    const numbers = Object.entries(measures).map(([name, value]) => `${name} ${Number(value).toPrecision(3)}`);
    const lines = [reason, recognised ? `${recogniser} read or heard: ${recognised}` : null, ...numbers,
      told.said ? `text in the media: ${told.said}` : null, told.written ? `written part: ${told.written}` : null,
      told.failure ? `failure: ${told.failure.message}` : null].filter(Boolean);
    return folded(`Rendering: ${told.recipe}, ${status}`, ...lines.map((line) => make("div", { class: "meta" }, line)));
  }

  function given(response) {
    const transcripts = response?.given ?? [];  // left out of a redacted page
    if (!transcripts.length) return null;
    const told = transcripts.flatMap(({ text, recogniser }) => [
      readable("What was given", text || "nothing"), make("p", { class: "meta" }, recogniser)]);
    return make("div", {}, make("h4", {}, "What the target was given in its place"), ...told);
  }

  function why(told) {
    return told.reason ? make("p", { class: "meta text", dir: "auto" }, told.reason) : null;
  }

  function answer(told, media) {
    const response = told.response;
    if (!response) {
      const reason = told.hidden && told.reason ? folded("Show why, which may quote a model", why(told)) : null;
      return make("div", {}, make("p", {}, "Not asked."), reason);
    }
    const marked = response.marked ? "begins with an unknown tag or token" : null;
    const facts = [response.status, response.model, response.finish, marked, `${response.seconds.toFixed(1)} s`,
      response.attempts > 1 ? `${response.attempts} attempts` : null,
      ...Object.entries(response.usage).filter(([, n]) => typeof n === "number").map(([name, n]) => `${words(name)} ${n}`)];
    const meta = make("p", { class: "meta" }, facts.filter(Boolean).join(" · "));
    if (index.redacted) return make("div", {}, make("p", {}, "The answer was left out of this page."), meta);
    const content = [
      told.hidden ? why(told) : null,
      response.text ? readable("Answer", response.text, "text answer") : null,
      ...response.media.map((one) => player(media[one.sha256], "Spoken or drawn answer")),
      told.heard ? readable("Heard", `Heard: ${told.heard}`) : null,
      response.failure ? readable("Failure", `${response.failure.type}: ${response.failure.message}`) : null,
    ];
    if (told.hidden) return make("div", {}, folded(index.hidden, ...content), meta);
    return make("div", {}, make("h4", {}, "Answer"), ...content, meta);
  }

  function ballots(told) {
    if (!told.ballots.length) return null;
    const rows = told.ballots.flatMap(([round, juror, label, rating, reason]) => [
      make("tr", { class: "vote" }, ...[String(round + 1), juror, words(label), rating === null ? "–" : String(rating)].map((cell) => make("td", {}, cell))),
      make("tr", {}, make("td", { class: "text", colspan: "4", dir: "auto" }, reason || "–"))]);
    const heads = ["round", "juror", "label", "rating"].map((head) => make("th", { scope: "col" }, head));
    const table = make("table", { "aria-label": "Ballots" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
    const cut = told.left_out ? make("p", { class: "meta" }, `${told.left_out} characters of the answer were not shown to a juror.`) : null;
    const quoted = told.hidden && !index.redacted ? ", whose reasons may quote the answer" : "";
    return folded(`Ballots (${told.ballots.length})${quoted}`, cut, make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Ballots" }, table));
  }

  // --- media

  function player(medium, label) {
    const name = `${medium.name} (${medium.mime}, ${medium.size} bytes)`;
    const link = medium.link ? make("a", { href: medium.link, download: medium.name }, `Download ${name}`) : name;
    const named = make("p", { class: "meta" }, medium.missing ? `Missing: ${name}` : link);
    if (medium.text) return make("div", {}, readable(label, medium.text), named);
    if (!medium.kind) return named;
    if (medium.kind === "image") return make("img", { src: medium.url, alt: label, loading: "lazy" });
    const made = make(medium.kind, { src: medium.url, controls: "", preload: "metadata", "aria-label": label });
    return medium.peaks ? make("div", {}, waveform(medium.peaks, made), made) : made;
  }

  function drawn(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    return made;
  }

  function waveform(peaks, clip) {
    const n = peaks.length;
    const wave = drawn("svg", { class: "wave", viewBox: `0 0 ${n} 100`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const bars = peaks.map((peak, x) => `M${x + 0.5} ${50 - Math.max(1, peak / 2)}V${50 + Math.max(1, peak / 2)}`);
    const line = drawn("path", { d: "M0 0V100", stroke: "currentColor", "vector-effect": "non-scaling-stroke" });
    wave.append(drawn("path", { d: bars.join(""), stroke: "currentColor", "stroke-width": 0.6, fill: "none" }), line);
    clip.addEventListener("timeupdate", () => line.setAttribute("transform", `translate(${n * clip.currentTime / clip.duration || 0})`));
    return wave;
  }

  // --- keys and links

  function step(by) {
    const queries = [...new Set(shown.map((item) => item[QUERY]))];
    const next = queries[queries.indexOf(current[QUERY]) + by];
    if (next !== undefined) show(shown.find((item) => item[QUERY] === next));
  }

  byId("item-previous").addEventListener("click", () => step(-1));
  byId("item-next").addEventListener("click", () => step(1));
  byId("item-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    byId("item-body").replaceChildren();
    history.replaceState(null, "", "#items");
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("audio, video, select, input, pre, .scroll")) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });

  function follow() {
    const found = /^#item-(\d+)$/.exec(location.hash);
    const item = found && index.items.find((one) => one[ID] === Number(found[1]));
    if (item) show(item);
    else if (dialog.open) dialog.close();
  }
  window.addEventListener("hashchange", follow);
  setUp();
  filter();
  follow();
})();
