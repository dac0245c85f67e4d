// The page of a run: its deployments as they start, and the one that the address names (#model) with all that is known of it.

const at = id => document.getElementById(id);
const overlays = new Map(), views = new Map();
const STEPS = { waiting: "waits", running: "starts", done: "done", failed: "failed", stopped: "stopped" };

const badge = state => make("span", { className: `state ${state}` }, state);
const short = digest => digest.replace("sha256:", "").slice(0, 12);
const took = seconds => seconds === null ? "" : ` in ${seconds.toFixed(1)} s`;
const list = pairs => make("dl", {}, ...pairs.filter(([, value]) => value).flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]));
const fold = (title, ...children) => make("details", {}, make("summary", {}, title), ...children);
const section = (title, ...children) => set(make("section", {}, make("h3", {}, title), ...children), { "aria-label": title });

// The way of a request and its answer, from above: a box for each node, in the colour of its start.
function graph({ flow, nodes, steps, orchestrator }) {
  const width = 260, gap = 28, middle = width / 2, parts = [];
  let y = 0;
  const words = (text, kind) => { y += 18; return draw("text", { x: middle, y, class: kind }, text); };
  const arrow = () => { parts.push(draw("line", { x1: middle, y1: y + 3, x2: middle, y2: y + gap - 8 }), draw("path", { d: `M${middle - 5} ${y + gap - 9}h10l-5 7z` })); y += gap; };
  parts.push(words("request", "name"));
  y += 6;
  for (const name of flow) {
    arrow();
    const state = stateOf(nodes[name], steps), digest = nodes[name].model?.digest;
    const box = draw("rect", { x: 1, y, width: width - 2, height: 66, rx: 8 });
    parts.push(draw("g", { class: state }, box, words(name, "name"), words(nodes[name].type, "quiet"), words((state === "done" ? "ready" : STEPS[state]) + (digest ? `, model ${short(digest)}` : ""), "quiet")));
    y += 12;
  }
  arrow();
  parts.push(words("answer", "name"));
  const said = `A request goes ${orchestrator ? "through the orchestrator " : ""}to ${flow.join(", then to ")}; then comes the answer`;
  return make("figure", {}, set(draw("svg", { viewBox: `0 0 ${width} ${y + 6}`, class: "flow" }, ...parts), { role: "img", "aria-label": said }),
    make("figcaption", {}, orchestrator ? "An orchestrator passes it from node to node." : "No orchestrator: the container itself answers."));
}

// How far a node's containers are, as the one that is least so.
function stateOf(node, steps) {
  const states = steps.filter(step => node.containers.includes(step.container)).map(step => step.state);
  return ["failed", "running", "stopped", "waiting"].find(state => states.includes(state)) ?? "done";
}

const columns = (title, side) => side === null ? make("p", { className: "quiet" }, `${title}: the signature has none`)
  : table(["name", "type", "required"], side.map(column => [column.label, column.type, column.required ? "yes" : "no"]), title);

function node(name, { type, image, model }) {
  const contract = model?.contract, flavors = Object.entries(contract?.flavors ?? {}).map(entry => entry.join(" ").trim()).join(", ");
  return section(`Node ${name}`,
    list([
      ["type", type], ["image", make("code", {}, image)], ["model", model ? make("code", {}, model.uri) : "none"],
      ["promoted from", model?.from], ["digest", model ? make("code", {}, model.digest) : ""],
      ["flavours", flavors], ["estimator", contract?.estimator], ["Python", contract?.python], ["MLflow run", contract?.run ? make("code", {}, contract.run) : ""],
      ["xtype", model?.xtype], ["signed", contract?.signed],
    ]),
    model?.problem ? make("p", { className: "bad" }, model.problem) : null,
    contract ? fold("Signature",
      contract.inputs === null && contract.outputs === null ? make("p", {}, "The model has no signature: it takes what its code takes.")
        : make("div", {}, columns("Inputs", contract.inputs), columns("Outputs", contract.outputs)),
      contract.params.length ? table(["name", "type", "default"], contract.params.map(entry => [entry.label, entry.type, entry.default]), "Parameters") : null) : null,
    contract ? fold(`Requirements (${contract.requirements.length}, locked with all that they need: ${model.locked.length || "not yet"})`,
      set(make("pre", { className: "wrapped" }, contract.requirements.join("\n") || "none"), { tabindex: 0, role: "region", "aria-label": "Requirements" }),
      model.locked.length ? set(make("pre", { className: "wrapped" }, model.locked.join("\n")), { tabindex: 0, role: "region", "aria-label": "Locked packages" }) : null) : null);
}

// The latencies of the last predictions, and the last requests of any kind.
function recent() {
  const drawn = make("div", {}), last = make("div", {});
  const element = make("div", {}, drawn, fold("The last ten requests", last));
  return { element, update(calls) {
    const asked = calls.filter(call => call.method === "POST");
    drawn.replaceChildren(asked.length ? chart(asked) : make("p", { className: "quiet" }, "None yet."));
    const rows = calls.slice(-10).reverse().map(call => [new Date(call.at * 1000).toLocaleTimeString(), `${call.method} ${call.path}`, String(call.status), `${(call.seconds * 1000).toFixed(1)} ms`]);
    last.replaceChildren(table(["time", "request", "status", "took"], rows, "Recent requests"));
  } };
}

// The last lines of a container's log, read again while it is open and something happens.
function logs(overlay) {
  const choice = set(make("select", { onchange: read }), { "aria-label": "Container" });
  const text = set(make("pre", { className: "wrapped" }), { tabindex: 0, role: "region", "aria-label": "Log" });
  const box = fold("Logs", choice, " ", make("button", { type: "button", onclick: read }, "Read again"), text);
  box.ontoggle = read;
  let later = 0;
  async function read() {
    if (!box.open || !choice.value) return;
    try {
      const response = await fetch(`demo/logs/${encodeURIComponent(overlay)}/${encodeURIComponent(choice.value)}`);
      const said = await response.text(), atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 5;
      if (said === text.textContent) return;
      text.textContent = said || "Nothing yet.";
      if (atEnd) text.scrollTop = text.scrollHeight;
    } catch (error) { text.textContent = `It cannot be read: ${error.message}`; }
  }
  return { element: box, update({ steps }) {
    const known = [...choice.options].map(option => option.value);
    if (known.join() !== steps.map(step => step.container).join()) {
      choice.replaceChildren(...steps.map(step => make("option", { value: step.container }, step.container)));
      choice.value = (steps.find(step => step.state === "failed") ?? steps.at(-1))?.container ?? "";
    }
    // What has just happened is written a moment later.
    clearTimeout(later);
    later = setTimeout(read, 300);
  } };
}

// Build what is in an element only where that has changed: who reads or types there is not disturbed.
const drawnFrom = new WeakMap();
function when(element, value, build) {
  const now = JSON.stringify(value);
  if (drawnFrom.get(element) === now) return;
  drawnFrom.set(element, now);
  element.replaceChildren(...[build()].flat().filter(Boolean));
}

const steps = said => make("ol", {}, ...said.steps.map(step => make("li", {}, make("code", {}, step.container), step.verb ? ` (${step.verb}) ` : " ", STEPS[step.state], took(step.seconds))));
const why = said => make("div", {}, make("p", { className: "bad" }, make("strong", {}, said.reason)),
  said.detail ? set(make("pre", { className: "wrapped" }, said.detail), { tabindex: 0, role: "region", "aria-label": "Why it failed" }) : null);

const facts = said => list([
  ["protocol", said.requests.map(request => request.title).join(", ")], ["address", make("code", {}, new URL(said.path, location.href).href)],
  ["overlay", make("code", {}, `overlays/${said.name}`)], ["SeldonDeployment", `${said.deployment} in ${said.namespace}`],
]);

// One deployment.
function view(name) {
  const [head, drawn, form, waits, what, nodes] = Array.from({ length: 6 }, () => make("div", {}));
  const calls = recent(), log = logs(name);
  const known = make("div", {},
    make("div", { className: "columns" }, section("Graph", drawn), make("div", {}, section("Try it", waits, form), section("Recent requests", calls.element))),
    section("Deployment", what), nodes, section("Containers", log.element));
  let asks = null;
  return { element: set(make("article", {}, head, known), { "aria-label": name }), update(said) {
    when(head, [said.state, said.reason, said.detail, said.steps], () => set(make("section", {},
      make("h2", {}, name, " ", badge(said.state)), said.state === "failed" ? why(said) : null, said.state === "ready" ? fold("How it started", steps(said)) : steps(said)), { "aria-label": "State" }));
    known.hidden = !said.deployment;
    if (known.hidden) return;
    when(form, [said.requests, said.problem, said.page], () => {
      const inputs = said.nodes[said.flow[0]].model?.contract?.inputs ?? [];
      asks = said.requests.length ? requestForm(said.requests.map(request => ({ ...request, url: request.path })), Object.fromEntries(inputs.map(column => [column.label, column.type]))) : null;
      return [asks?.element ?? make("p", { className: "bad" }, said.problem), said.page ? make("p", {}, make("a", { href: said.page }, "The node's own page")) : null];
    });
    asks?.allow(said.state === "ready");
    when(waits, said.state, () => said.state === "ready" ? null : make("p", { className: "quiet" }, said.state === "failed" ? "It does not run, and cannot be asked." : "It can be asked once it is ready."));
    when(drawn, [said.flow, said.nodes, said.steps], () => graph(said));
    when(what, [said.requests, said.path], () => facts(said));
    when(nodes, said.nodes, () => said.flow.map(entry => node(entry, said.nodes[entry])));
    calls.update(said.calls);
    log.update(said);
  } };
}

// The name after # in the address; none where it cannot be decoded.
function addressed() {
  try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
}

function select() {
  const wanted = addressed(), name = overlays.has(wanted) ? wanted : overlays.keys().next().value;
  if (name === undefined) {
    at("main").replaceChildren(section("No deployment", make("p", {}, "No overlay runs. Add one: make new-overlay NAME=… MODEL=…")));
    return;
  }
  const chosen = views.get(name) ?? views.set(name, view(name)).get(name);
  chosen.update(overlays.get(name));
  if (at("main").firstChild !== chosen.element) at("main").replaceChildren(chosen.element);
  for (const link of at("list").querySelectorAll("a")) link.getAttribute("href") === `#${encodeURIComponent(name)}` ? set(link, { "aria-current": "page" }) : link.removeAttribute("aria-current");
}

function summarize() {
  const number = state => [...overlays.values()].filter(said => said.state === state);
  const parts = ["ready", "starting"].map(state => `${number(state).length} ${state}`);
  const failed = number("failed").map(said => said.name);
  const words = `${overlays.size} deployments: ${parts.join(", ")}, ${failed.length} failed${failed.length ? ` (${failed.join(", ")})` : ""}`;
  if (at("summary").textContent !== words) at("summary").textContent = words;
}

function listed() {
  const links = [...at("list").querySelectorAll("a")], names = [...overlays.keys()];
  if (links.length !== names.length || links.some((link, place) => link.dataset.name !== names[place])) {
    at("list").replaceChildren(...names.map(name => {
      const link = make("a", { href: `#${encodeURIComponent(name)}` });
      link.dataset.name = name;
      return make("li", {}, link);
    }));
  }
  for (const link of at("list").querySelectorAll("a")) {
    const { state } = overlays.get(link.dataset.name);
    if (link.dataset.state !== state) link.replaceChildren(link.dataset.name, badge(state));
    link.dataset.state = state;
  }
}

function show() {
  listed();
  summarize();
  select();
}

// The requests with their numbers as they are written.
const said = event => {
  const exactly = parse(event.data);
  return JSON.parse(event.data).map((entry, place) => [entry.name, { ...entry, requests: exactly[place].requests ?? [] }]);
};

let events;
function follow() {
  events = new EventSource("demo/events");
  events.addEventListener("all", event => {
    const now = new Map(said(event));
    for (const name of overlays.keys()) if (!now.has(name)) { overlays.delete(name); views.delete(name); }
    for (const [name, entry] of now) overlays.set(name, entry);
    show();
  });
  events.addEventListener("changed", event => {
    for (const [name, entry] of said(event)) overlays.set(name, entry);
    show();
  });
  events.onerror = () => { at("summary").textContent = "Nothing answers any more: make demo has ended, or is being started again. Trying again …"; };
}

// A browser keeps a page that one has left for a while, and has six connections to an address: one kept open is one less.
addEventListener("pagehide", () => events.close());
addEventListener("pageshow", follow);
addEventListener("hashchange", () => { select(); at("main").focus(); });
