-- How Argo CD judges a SeldonDeployment. It calls this with the live object in `obj`, and without Lua's string library.
-- Three things of Seldon's operator are made up for here:
-- * The status does not say which spec it is about (there is no observedGeneration), and in the second of a change the
--   operator writes one from the old pods. The API server notes when each was written; for SEEN_SECONDS after a change
--   of the spec only a status of a later second counts. Then any does: a change that alters nothing gets no new status.
-- * Available means that no pod is missing, which is so between two steps of a rollout too: the number of pods tells.
-- * In an update whose pods never get ready the old pods keep it at Creating, whatever progressDeadlineSeconds says. Argo
--   CD would wait for ever, and apply no revert: past the deadline it is Degraded.
local os = require("os")

local SEEN_SECONDS = 30
-- https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds
local DEADLINE_SECONDS = 600
-- A rolling update takes so many steps at most: a quarter of the pods at a time.
local STEPS = 4

-- RFC 3339 in UTC, as the API server writes it, so that it compares as text.
local function utc(seconds)
  local shift = os.time(os.date("!*t")) - os.time()
  return os.date("%Y-%m-%dT%H:%M:%SZ", seconds + shift)
end

-- When spec and status were written; empty where nobody noted it.
local function written()
  local spec, status = "", ""
  for _, entry in ipairs(obj.metadata.managedFields or {}) do
    local fields, time = entry.fieldsV1 or {}, entry.time or ""
    if entry.subresource == "status" then
      if time > status then status = time end
    elseif fields["f:spec"] ~= nil and time > spec then
      spec = time
    end
  end
  return spec, status
end

-- The condition Ready, where it is not True.
local function unready()
  for _, condition in ipairs(obj.status.conditions or {}) do
    if condition.type == "Ready" and condition.status ~= "True" then return condition end
  end
  return {}
end

-- The pods that the spec asks for, nil where that is not known; and the longest time that the rollout may take.
local function wanted()
  local pods, components, scaled, deadline = 0, 0, false, 0
  for _, predictor in ipairs((obj.spec or {}).predictors or {}) do
    local most = 1
    for _, component in ipairs(predictor.componentSpecs or {}) do
      local replicas = component.replicas or predictor.replicas or obj.spec.replicas or 1
      scaled = scaled or component.hpaSpec ~= nil or component.kedaSpec ~= nil
      pods, most, components = pods + replicas, replicas > most and replicas or most, components + 1
    end
    local seconds = (predictor.progressDeadlineSeconds or DEADLINE_SECONDS) * (most < STEPS and most or STEPS)
    if seconds > deadline then deadline = seconds end
  end
  -- An orchestrator in a pod of its own is counted by the status, not here.
  local known = 0
  for _ in pairs(obj.status.deploymentStatus or {}) do known = known + 1 end
  if scaled or known ~= components then pods = nil end
  return pods, deadline > 0 and deadline or DEADLINE_SECONDS
end

-- The pods that there are, and the first Deployment that lacks available ones, in words.
local function counted()
  local pods, names = 0, {}
  for name in pairs(obj.status.deploymentStatus or {}) do table.insert(names, name) end
  table.sort(names)
  local lacking
  for _, name in ipairs(names) do
    local deployment = obj.status.deploymentStatus[name]
    local there, ready = deployment.replicas or 0, deployment.availableReplicas or 0
    pods = pods + there
    if ready < there and lacking == nil then
      lacking = name .. ": " .. ready .. " of " .. there .. " pods are available"
    end
  end
  return pods, lacking
end

local state = obj.status and obj.status.state
if state == nil or state == "" then
  return {status = "Progressing", message = "the operator has not written a status yet"}
end

local spec, status = written()
if spec ~= "" and spec >= status and spec > utc(os.time() - SEEN_SECONDS) then
  return {status = "Progressing", message = "the status is older than the spec"}
end

local ready = unready()
local pods, deadline = wanted()
local there, lacking = counted()

if state == "Available" then
  if pods ~= nil and there > pods then
    return {status = "Progressing", message = "old pods are still there: " .. there .. " pods, " .. pods .. " wanted"}
  end
  return {status = "Healthy", message = "Available"}
elseif state == "Creating" then
  local since = ready.lastTransitionTime or ""
  if spec > since then since = spec end
  if since ~= "" and since < utc(os.time() - deadline) then
    return {
      status = "Degraded",
      message = "not available within " .. deadline .. " s of the last change; " .. (lacking or ready.message
        or ready.reason or "Creating") .. "; what was available before serves on",
    }
  end
  return {status = "Progressing", message = lacking or ready.message or ready.reason or "Creating"}
elseif state == "Failed" then
  return {status = "Degraded", message = obj.status.description or ready.message or ready.reason or "Failed"}
end
return {status = "Unknown", message = "the operator knows the states Creating, Available and Failed, not " .. state}
