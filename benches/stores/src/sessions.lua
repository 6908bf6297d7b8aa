-- For wrk: each request is of the next of some sessions, whose cookies are the arguments. A session has one
-- request at a time so, as those of different visitors do, and a write never meets another one.

local requests, n = {}, 0

function init(cookies)
   for i, cookie in ipairs(cookies) do
      requests[i] = wrk.format("GET", nil, { ["Cookie"] = cookie })
   end
end

function request()
   n = n % #requests + 1
   return requests[n]
end
