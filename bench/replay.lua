-- Sends the requests of a file over and over: one a line, METHOD PATH COOKIE BODY, separated by tabs. They are put together once,
-- so that wrk costs the same whatever it sends.
--   wrk ... -s replay.lua URL -- FILE [MS]     with MS, each connection waits that long before its next request
local requests, at, pause = {}, 0, nil

function init(args)
  pause = tonumber(args[2])
  for line in io.lines(args[1]) do
    local method, path, cookie, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = { ["Cookie"] = cookie }
    if body == "" then body = nil else headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
  if not pause then delay = nil end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function delay()
  return pause
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "per_second": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
