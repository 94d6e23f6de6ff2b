-- Takes one from each of several rates, or from none: the generic cell rate algorithm over several keys. KEYS[1] says
-- since when this run of the server knows its buckets, the others are one bucket each: the moment at which it is full.
-- ARGV: '1' when what is here was not asked for a while, so that others granted meanwhile; then for each bucket the
-- time in us that one request takes, and how many may come at once. Returns 0, or how many us to wait.
local now, wait = now_us(), 0
local run, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%w+):(%d+)$')
if run ~= RUN or ARGV[3] == '1' then
  since = whole(now)
  redis.call('SET', KEYS[1], RUN .. ':' .. since)
end

local after = {}
for place = 2, #KEYS do
  local every, burst = tonumber(ARGV[2 * place]), tonumber(ARGV[2 * place + 1])
  local rest = every * burst
  -- What is not known counts as used up when the memory began; no bucket is emptier than empty.
  local full = math.max(tonumber(redis.call('GET', KEYS[place])) or 0, tonumber(since) + rest, now)
  after[place] = math.min(full, now + rest) + every
  wait = math.max(wait, after[place] - rest - now)
end
if wait > 0 then return math.ceil(wait) end

for place = 2, #KEYS do
  redis.call('SET', KEYS[place], whole(after[place]), 'PX', math.ceil((after[place] - now) / 1000) + 1)
end
return 0
