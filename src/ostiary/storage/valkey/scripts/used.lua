-- Remembers a used proof. KEYS[1] is a tenant's set of them, each scored by its end; one member at infinity, made of
-- the run and a moment, says since when this run of the server has forgotten nothing. ARGV: the proof, its end and the
-- caller's now in us, how many are remembered at most, and how long after its end a proof is.
-- Returns {1 new, 0 used, -1 full, -2 the clocks differ; since in us}.
local now, known = now_us(), KEYS[1]
local proof, ends, caller = 'k' .. ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local most, gone = tonumber(ARGV[6]), now - tonumber(ARGV[7])

local begun = redis.call('ZRANGEBYSCORE', known, '+inf', '+inf')[1] or ''
local run, since = string.match(begun, '^r(%w+):(%d+)$')
if run ~= RUN then
  -- A flush took everything, or another run took over that may lack the last of it.
  if begun ~= '' then redis.call('ZREM', known, begun) end
  since = whole(now)
  redis.call('ZADD', known, '+inf', 'r' .. RUN .. ':' .. since)
end
if math.abs(caller - now) > SKEW_US then return {-2, since} end

redis.call('ZREMRANGEBYSCORE', known, '-inf', whole(gone))
if ends <= gone or redis.call('ZSCORE', known, proof) then return {0, since} end
if redis.call('ZCARD', known) > most then return {-1, since} end
redis.call('ZADD', known, whole(ends), proof)
return {1, since}
