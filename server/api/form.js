// A form that sends a request to a model and shows its answer, its latency and the code that does the same.
// All that comes from a model is put in as text.

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
};

// With attributes, of which those of ARIA and of SVG have no property.
const set = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

const draw = (tag, attributes = {}, ...children) => {
  const element = set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  element.append(...children);
  return element;
};

const table = (headings, rows, caption) => set(make("div", { className: "scroll" },
  make("table", {},
    ...(caption ? [make("caption", {}, caption)] : []),
    make("thead", {}, make("tr", {}, ...headings.map(text => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows.map(row => make("tr", {}, ...row.map(cell => make("td", {}, cell))))))),
  // What scrolls can be scrolled by the keyboard.
  { tabindex: 0, role: "region", "aria-label": caption || headings.join(", ") });

// JSON whose numbers stay as they are written, in any browser: 64-bit integers do not fit JavaScript's numbers, and 1.0 is not 1.
class WrittenNumber { constructor(text) { this.text = text; } }
function parse(text) {
  JSON.parse(text); // It throws where the text is no JSON.
  const numbers = [];
  let quoted = false;
  // Each number is replaced by its index in the list of all.
  const indexed = text.replace(/\\.|"|-?\d[\d.eE+-]*/g, token => {
    if (token === '"') quoted = !quoted;
    return quoted || /^["\\]/.test(token) ? token : String(numbers.push(token) - 1);
  });
  return JSON.parse(indexed, (_, value) => typeof value === "number" ? new WrittenNumber(numbers[value]) : value);
}
function stringify(value) {
  if (isNumber(value)) return value.text ?? String(value);
  if (isScalar(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
  return `{${Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}:${stringify(entry)}`).join(",")}}`;
}
const isNumber = value => typeof value === "number" || value instanceof WrittenNumber;
const isScalar = value => value === null || typeof value !== "object" || isNumber(value);
const isObject = value => !isScalar(value) && !Array.isArray(value);
const number = value => Number(value?.text ?? value);
const shown = value => typeof value === "string" ? value : stringify(value);

// JSON with each row of a table in a line of its own.
function pretty(value, indent = "") {
  if (isScalar(value)) return stringify(value);
  const inner = `${indent}  `, list = Array.isArray(value);
  if (list && value.every(isScalar)) return `[${value.map(stringify).join(", ")}]`;
  const parts = list ? value.map(entry => pretty(entry, inner)) : Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${pretty(entry, inner)}`);
  return enclosed(parts.map(part => inner + part).join(",\n"), list ? "[]" : "{}", indent);
}

const enclosed = (lines, [open, close], indent) => lines ? `${open}\n${lines}\n${indent}${close}` : open + close;

const split = (values, width) => Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
const transposed = rows => rows[0].map((_, column) => rows.map(row => row[column]));
const places = width => Array.from({ length: width }, (_, place) => width === 1 ? "value" : `value ${place + 1}`);
const named = (names, width) => Array.isArray(names) && names.length === width ? names.map(shown) : places(width);
const isRow = (value, width) => Array.isArray(value) && value.length > 0 && value.length === (width ?? value.length) && value.every(isScalar);
const areRows = (value, width) => Array.isArray(value) && value.length > 0 && value.every(row => isRow(row, width));
// Whether a tensor of this shape has as many values as these.
const isShape = (shape, values) => Array.isArray(shape) && shape.length > 0 && shape.every(size => isNumber(size) && number(size) > 0)
  && shape.reduce((product, size) => product * number(size), 1) === values.length;

// The rows of a request or an answer and the names of its columns, and how to put other rows into it; null where it is no
// table, or not yet: a person may be writing it.
function tabular(message) {
  const data = message?.data, tensor = data?.tensor;
  if (isRow(data?.ndarray)) {
    return { names: named(data.names, 1), rows: data.ndarray.map(value => [value]), with: rows => ({ ...message, data: { ...data, ndarray: rows.map(row => row[0]) } }) };
  }
  if (areRows(data?.ndarray, data?.ndarray?.[0]?.length)) {
    return { names: named(data.names, data.ndarray[0].length), rows: data.ndarray, with: rows => ({ ...message, data: { ...data, ndarray: rows } }) };
  }
  if (isRow(tensor?.values) && isShape(tensor.shape, tensor.values) && tensor.shape.length === 2) {
    const width = number(tensor.shape[1]);
    return { names: named(data.names, width), rows: split(tensor.values, width), with: rows => ({ ...message, data: { ...data, tensor: { shape: [rows.length, width], values: rows.flat() } } }) };
  }
  const frame = message?.dataframe_split;
  if (Array.isArray(frame?.columns) && areRows(frame.data, frame.columns.length)) {
    return { names: frame.columns.map(shown), rows: frame.data, with: rows => ({ ...message, dataframe_split: { ...frame, data: rows } }) };
  }
  const key = ["jsonData", "predictions", "inputs", "outputs"].find(key => Array.isArray(message?.[key]) && message[key].length && message[key].every(isObject));
  if (!key) return null;
  const put = entries => ({ ...message, [key]: entries });
  return ["inputs", "outputs"].includes(key) ? ofTensors(message[key], put) : ofRecords(message[key], put);
}

// Of objects with the same keys.
function ofRecords(records, put) {
  const names = Object.keys(records[0]);
  const same = record => Object.keys(record).length === names.length && names.every(name => Object.hasOwn(record, name) && isScalar(record[name]));
  if (!names.length || !records.every(same)) return null;
  return { names, rows: records.map(record => names.map(name => record[name])), with: rows => put(rows.map(row => Object.fromEntries(names.map((name, place) => [name, row[place]])))) };
}

// Of tensors of the Open Inference Protocol: one for each column, or one that is a matrix.
function ofTensors(tensors, put) {
  if (!tensors.every(({ shape, data }) => isRow(data) && isShape(shape, data))) return null;
  const [{ shape, data }] = tensors;
  if (tensors.every(tensor => tensor.data.length === data.length && number(tensor.shape[0]) === data.length)) {
    return {
      names: tensors.map(({ name }, place) => name === undefined ? `value ${place + 1}` : shown(name)),
      rows: transposed(tensors.map(tensor => tensor.data)),
      with: rows => put(tensors.map((tensor, column) => filled(tensor, rows.map(row => row[column]), [rows.length, ...tensor.shape.slice(1)]))),
    };
  }
  if (tensors.length !== 1 || shape.length !== 2) return null;
  const width = number(shape[1]);
  return { names: places(width), rows: split(data, width), with: rows => put([filled(tensors[0], rows.flat(), [rows.length, width])]) };
}

// A tensor with other values: of integers it becomes one of doubles where a fraction is among them.
function filled(tensor, data, shape) {
  const fraction = /^U?INT/.test(tensor.datatype) && data.some(value => isNumber(value) && !Number.isInteger(number(value)));
  return { ...tensor, ...(fraction ? { datatype: "FP64" } : {}), shape, data };
}

// The value that a person has typed, where the request had ``before``: a number stays as it is typed, and what is none is
// sent as text, so that the model says what it takes.
function typed(text, before, type) {
  const numeric = type ? ["double", "float", "long", "integer", "number"].includes(type) : isNumber(before) || before === null;
  const logical = type === "boolean" || (!type && typeof before === "boolean");
  if (text === "" && (numeric || logical || before === null)) return null;
  if (logical && ["true", "false"].includes(text)) return text === "true";
  return numeric && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text.trim()) ? new WrittenNumber(text.trim()) : text;
}

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;
const curl = (url, body) => `curl -s -H 'Content-Type: application/json' ${quoted(url)} \\\n  -d ${quoted(stringify(body))}\n`;

function python(value, indent = "") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (isScalar(value)) return stringify(value);
  const inner = `${indent}    `, list = Array.isArray(value);
  if (list && value.every(isScalar)) return `[${value.map(entry => python(entry)).join(", ")}]`;
  const parts = list ? value.map(entry => python(entry, inner)) : Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${python(entry, inner)}`);
  return enclosed(parts.map(part => `${inner}${part},`).join("\n"), list ? "[]" : "{}", indent);
}

const client = (url, body) => `import httpx

request = ${python(body)}
response = httpx.post(${JSON.stringify(url)}, json=request, timeout=10)
if response.is_error:
    raise SystemExit(response.text)
print(response.json())
`;

// A text to copy.
function code(title) {
  const text = set(make("pre", {}), { tabindex: 0, role: "region", "aria-label": title });
  const copy = make("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      copy.textContent = "Copied";
    } catch {
      // Only a page that was reached by TLS or loopback may write the clipboard.
      getSelection().selectAllChildren(text);
      copy.textContent = "Selected: press Ctrl-C";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  } }, "Copy");
  set(copy, { "aria-label": `Copy ${title}` });
  return { element: make("div", { className: "code" }, make("h4", {}, title), copy, text), show: value => { text.textContent = value; } };
}

// The latencies of the last requests as bars, the newest to the right.
function chart(calls) {
  const width = 360, height = 70, step = width / 50, seconds = calls.map(call => call.seconds);
  const most = Math.max(...seconds), milliseconds = value => `${(value * 1000).toFixed(1)} ms`;
  const sorted = [...seconds].sort((one, other) => one - other);
  const failed = calls.filter(call => call.status >= 400).length;
  const said = `Last ${calls.length} requests: median ${milliseconds(sorted[Math.floor(sorted.length / 2)])}, slowest ${milliseconds(most)}, ${failed} refused or failed`;
  const bars = calls.map((call, place) => {
    const tall = Math.max(2, height * call.seconds / most);
    const bar = { x: width - (calls.length - place) * step, y: height - tall, width: step - 1.5, height: tall, class: call.status < 400 ? "bar" : "bar bad" };
    return draw("rect", bar, draw("title", {}, `${call.method} ${call.path}: ${call.status} in ${milliseconds(call.seconds)}`));
  });
  return make("figure", {}, set(draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart" }, ...bars), { role: "img", "aria-label": said }), make("figcaption", {}, said));
}

let forms = 0;
const MOST_ROWS = 20;

// The form. ``requests`` are {title, url, body, problem} by protocol, ``types`` the types of columns by their names, and
// ``told`` is called with each call that has been answered.
function requestForm(requests, types, told = () => {}) {
  const id = `form${++forms}`;
  let request = requests[0];
  const choice = (name, label, checked, changed) => {
    const input = make("input", { type: "radio", name: `${id}-${name}`, checked, onchange: changed });
    return { input, element: make("label", { className: "choice" }, input, ` ${label}`) };
  };
  const text = set(make("textarea", { rows: 10, spellcheck: false }), { "aria-label": "Body of the request, as JSON" });
  const fields = make("div", { className: "rows" });
  const send = make("button", { className: "primary" }, "Send");
  const said = set(make("p", { className: "said" }), { role: "status" });
  const answer = make("div", {});
  const codes = [code("curl"), code("Python")];
  const protocols = requests.map(entry => choice("protocol", entry.title, entry === request, () => switched(entry)));
  const byFields = choice("as", "Fields", false, () => show(true)), asJson = choice("as", "JSON", false, () => show(false));

  const read = () => { try { return parse(text.value); } catch { return undefined; } };
  const write = body => { text.value = body === null || body === undefined ? "" : pretty(body); refresh(); };
  function refresh() {
    const body = read(), url = new URL(request.url, location.href).href;
    codes[0].show(body === undefined ? "The body is not JSON." : curl(url, body));
    codes[1].show(body === undefined ? "The body is not JSON." : client(url, body));
    const rows = tabular(body)?.rows;
    byFields.input.disabled = !rows || rows.length > MOST_ROWS;
  }
  function switched(entry) {
    request = entry;
    const before = tabular(read()), after = tabular(entry.body);
    write(before && after && before.names.length === after.names.length ? after.with(before.rows) : entry.body);
    show(byFields.input.checked);
  }
  function show(as) {
    const content = as ? tabular(read()) : null;
    const shows = Boolean(content) && content.rows.length <= MOST_ROWS;
    byFields.input.checked = shows;
    asJson.input.checked = !shows;
    text.hidden = shows;
    fields.hidden = !shows;
    fields.replaceChildren(...(shows ? rowsOf(content) : []));
    said.textContent = request.problem || said.textContent;
  }
  function rowsOf({ names, rows, with: put }) {
    const change = (changed, focus) => { write(put(changed)); show(true); fields.querySelectorAll("fieldset")[focus]?.querySelector("input, select")?.focus(); };
    const cell = (row, column) => {
      const before = rows[row][column], type = types[names[column]];
      const input = type === "boolean" || typeof before === "boolean"
        ? make("select", {}, ...["true", "false", ""].map(value => make("option", { value }, value || "none")))
        : make("input", { type: "text", autocomplete: "off", spellcheck: false, placeholder: before === null ? "none" : "" });
      input.value = before === null ? "" : shown(before);
      input.oninput = () => { rows[row][column] = typed(input.value, before, type); write(put(rows)); };
      return make("label", {}, make("span", {}, names[column], type ? make("small", {}, ` ${type}`) : null), input);
    };
    return [
      ...rows.map((_, row) => make("fieldset", {}, make("legend", {}, `Row ${row + 1}`), ...names.map((_, column) => cell(row, column)),
        rows.length > 1 ? set(make("button", { type: "button", onclick: () => change(rows.filter((_, place) => place !== row), Math.max(0, row - 1)) }, "Remove"), { "aria-label": `Remove row ${row + 1}` }) : null)),
      rows.length < MOST_ROWS ? make("button", { type: "button", onclick: () => change([...rows, [...rows.at(-1)]], rows.length) }, "Add a row") : null,
    ].filter(Boolean);
  }
  async function ask() {
    const began = performance.now(), url = new URL(request.url, location.href);
    send.disabled = true;
    said.className = "said";
    said.textContent = "Sending …";
    try {
      const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: text.value });
      const content = await response.text(), seconds = (performance.now() - began) / 1000;
      told({ at: Date.now() / 1000, method: "POST", path: url.pathname, status: response.status, seconds });
      said.textContent = `${response.status} in ${(seconds * 1000).toFixed(1)} ms`;
      answered(content, response.ok);
    } catch (error) {
      said.className = "said bad";
      said.textContent = `No answer: ${error.message}`;
      answer.replaceChildren();
    } finally {
      send.disabled = send.dataset.off === "yes";
    }
  }
  function answered(content, fine) {
    let message = content;
    try { message = parse(content); } catch { /* Shown as it is. */ }
    if (!fine) {
      said.className = "said bad";
      said.textContent += `: ${message?.status?.info ?? message?.error ?? content}`;
    }
    const found = fine ? tabular(message) : null, raw = typeof message === "string" ? message : pretty(message);
    const whole = set(make("pre", {}, raw), { tabindex: 0, role: "region", "aria-label": "The answer as it came" });
    answer.replaceChildren(
      ...(found ? [table(found.names, found.rows.map(row => row.map(shown)), "Answer")] : []),
      make("details", { open: !found }, make("summary", {}, "The answer as it came"), whole));
  }
  text.oninput = refresh;

  const form = make("form", { className: "request", onsubmit: event => { event.preventDefault(); ask(); } },
    make("div", { className: "choices" },
      ...(requests.length > 1 ? [make("fieldset", { className: "choice" }, make("legend", {}, "Protocol"), ...protocols.map(entry => entry.element))] : []),
      make("fieldset", { className: "choice" }, make("legend", {}, "Request"), byFields.element, asJson.element)),
    fields, text, make("p", {}, send), said, answer,
    make("details", {}, make("summary", {}, "Code that does the same"), ...codes.map(entry => entry.element)));
  write(request.body);
  show(true);
  return {
    element: form,
    // Whether the deployment takes requests.
    allow(ready) { send.dataset.off = ready ? "no" : "yes"; send.disabled = !ready; },
  };
}
