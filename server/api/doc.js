// The page of one node, made of its OpenAPI document. Everything is asked of this server, relative to this page: a
// gateway's prefix stays in place.

const root = new URL("../../../", location.href);
const at = id => document.getElementById(id);
const fill = (id, ...children) => { at(id).hidden = false; at(id).append(...children); };

const typeOf = schema => [schema?.type ?? "any"].flat().filter(type => type !== "null").join(" or ");

// The names and types of the request's columns, in order; empty where it has none.
function columns(request) {
  const data = (request.anyOf?.[0] ?? request).properties?.data?.properties;
  const names = data?.names?.const ?? data?.names?.enum?.[0], cells = data?.ndarray?.items?.prefixItems;
  return names && cells ? names.map((name, place) => [name, typeOf(cells[place])]) : [];
}

// A path with what it does; one without a body can be asked here.
function operation(path, method, said) {
  const title = make("span", {}, make("code", {}, `${method.toUpperCase()} ${path}`), ` ${said.summary ?? ""}`);
  if (method !== "get" || path.includes("{")) return make("li", {}, title);
  return make("li", {}, make("a", { href: new URL(`.${path}`, root) }, make("code", {}, `GET ${path}`)), ` ${said.summary ?? ""}`);
}

async function load() {
  const response = await fetch(new URL("./seldon.json", root));
  if (!response.ok) throw new Error(`seldon.json answers ${response.status}: ${(await response.json()).status?.info}`);
  const { info, paths, components } = parse(await response.text());
  document.title = info.title;
  at("title").textContent = info.title;
  at("version").append("Model ", make("code", {}, info.version), " · ", make("a", { href: new URL("./seldon.json", root) }, "OpenAPI document"));
  const listed = columns(components.schemas.Request), calls = [], drawn = make("div", {});
  const seldon = "/api/v1.0/predictions", v2 = "/v2/models/{name}/infer";
  const own = path => paths[path].post.requestBody.content["application/json"].examples?.example?.value;
  const requests = [
    { title: "Seldon v1", url: new URL(`.${seldon}`, root), body: components.examples.request.value },
    ...(own("/invocations") ? [{ title: "MLflow", url: new URL("./invocations", root), body: own("/invocations") }] : []),
    ...(own(v2) ? [{ title: "Open Inference Protocol (v2)", url: new URL(`.${v2.replace("{name}", encodeURIComponent(info.title))}`, root), body: own(v2) }] : []),
  ];
  const form = requestForm(requests, Object.fromEntries(listed), call => {
    calls.push(call);
    drawn.replaceChildren(chart(calls.slice(-50)));
    at("calls").hidden = false;
  });
  fill("try", form.element);
  at("calls").append(drawn);
  if (listed.length) fill("columns", table(["name", "type"], listed));
  fill("paths", make("ul", {}, ...Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, said]) => operation(path, method, said)))));
  at("state").textContent = "";
}

load().catch(error => {
  at("state").className = "bad";
  at("state").textContent = `This page cannot be shown: ${error.message}`;
});
