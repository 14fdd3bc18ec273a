-- Takes turns through the requests of a file, which stand in it as they are sent, each followed by a
-- zero byte. Arguments: the file, how many of its requests to skip at first, milliseconds that a
-- connection waits between an answer and its next request, and how many times it does not wait, so
-- that all connections begin at once.

local requests, turn, pause, eager = {}, 0, 0, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for request in file:read("*a"):gmatch("[^%z]+") do
    requests[#requests + 1] = request
  end
  file:close()
  turn = tonumber(args[2]) % #requests
  pause, eager = tonumber(args[3]), tonumber(args[4])
  if pause == 0 then
    delay = nil -- wrk would set a timer even for no time at all
  end
end

function request()
  turn = turn + 1
  if turn > #requests then
    turn = 1
  end
  return requests[turn]
end

function delay()
  if eager > 0 then
    eager = eager - 1
    return 0
  end
  return pause
end

-- On standard error, because wrk prints a page for people on standard output.
function done(summary, latency)
  local e = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"microseconds":%d,"p99":%d,"refused":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
