-- Before every script. ARGV[1] is the server's run as the connection knows it, ARGV[2] a made-up moment in
-- microseconds for tests whose time is not the world's, else ''.
local RUN, SKEW_US = ARGV[1], 30000000

local function now_us()
  if ARGV[2] ~= '' then return tonumber(ARGV[2]) end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

-- A number as it is written: doubles hold whole microseconds until the year 2255.
local function whole(number) return string.format('%.0f', number) end
