-- How Argo CD judges a SeldonDeployment. It calls this with the live object in `obj`, and without Lua's string library.
-- The operator's status does not say which spec it is about (there is no observedGeneration): just after a change it
-- is still the old one's. The API server notes when each was written; for SEEN_SECONDS after a change of the spec a
-- status that is older does not count. Later it does: a change that alters nothing for the operator gets no new status.
local os = require("os")

local SEEN_SECONDS = 30

-- RFC 3339 in UTC, as the API server writes it, so that it compares as text.
local function utc(seconds)
  local shift = os.time(os.date("!*t")) - os.time()
  return os.date("%Y-%m-%dT%H:%M:%SZ", seconds + shift)
end

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

local function why()
  for _, condition in ipairs(obj.status.conditions or {}) do
    if condition.type == "Ready" and condition.status ~= "True" then
      return condition.message or condition.reason
    end
  end
  return nil
end

local state = obj.status and obj.status.state
if state == nil or state == "" then
  return {status = "Progressing", message = "the operator has not written a status yet"}
end

local spec, status = written()
if spec > status and spec > utc(os.time() - SEEN_SECONDS) then
  return {status = "Progressing", message = "the status is older than the spec"}
end

if state == "Available" then
  return {status = "Healthy", message = "Available"}
elseif state == "Creating" then
  return {status = "Progressing", message = why() or "Creating"}
elseif state == "Failed" then
  return {status = "Degraded", message = obj.status.description or why() or "Failed"}
end
return {status = "Unknown", message = "the operator knows the states Creating, Available and Failed, not " .. state}
