-- A script for wrk: sends the requests of a file one after another, from a
-- place of its own on. A request in the file is its length, a line feed and
-- its bytes. At the end it says what was measured, as one line of JSON.
local requests, place = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local text = file:read("*a")
  local at = 1
  file:close()
  while at <= #text do
    local first, last, length = text:find("^(%d+)\n", at)
    assert(first, "not a file of requests")
    requests[#requests + 1] = text:sub(last + 1, last + length)
    at = last + 1 + length
  end
  place = tonumber(args[2] or 0) % #requests
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format('@@{"requests":%d,"duration_us":%d,"bytes":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
    '"mean_us":%.0f,"p50_us":%.0f,"p90_us":%.0f,"p99_us":%.0f,' ..
    '"max_us":%.0f}',
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency.max))
end
