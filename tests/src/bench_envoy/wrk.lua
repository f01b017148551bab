-- Sends a request for each token of a file in turn, spread evenly over the
-- rules. Arguments: the file, where to begin, how many rules there are, and
-- what the first segment of the path begins with.

local tokens = {}
local rules, first
local turn

-- Shares no factor with any number of rules that is used.
local STEP = 7919

function init(arguments)
  for line in io.lines(arguments[1]) do tokens[#tokens + 1] = line end
  turn = tonumber(arguments[2])
  rules = tonumber(arguments[3])
  first = arguments[4]
end

function request()
  turn = turn + 1
  -- Each rule once in so many requests, and with another token the next time.
  local rule = (turn * STEP + math.floor(turn / rules)) % rules
  return "GET /" .. first .. "-" .. rule .. "/orders/7 HTTP/1.1\r\nHost: localhost\r\n"
    .. "Authorization: Bearer " .. tokens[turn % #tokens + 1] .. "\r\n\r\n"
end

function done(summary, latency)
  local errors = summary.errors
  local of = function(part) return latency:percentile(part) end
  print(string.format(
    'SUMMARY {"requests":%d,"refused":%d,"broken":%d,"microseconds":%d,'
      .. '"latency":{"p50":%d,"p90":%d,"p99":%d,"p999":%d}}',
    summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
    of(50), of(90), of(99), of(99.9)))
end
